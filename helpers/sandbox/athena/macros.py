"""Macros for DuckDB: checks and conversions that depend on values."""

__all__ = ["DIFFERS", "MACROS"]

DIFFERS = "The sandbox runs queries on DuckDB, which reads this differently from Athena"
_INVALID = "error('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to {}')"
_FLOATING = "typeof(x) IN ('DOUBLE', 'FLOAT')"
_DATE_TEXT = r"\d{4}-\d{2}-\d{2}"
_TIME_TEXT = _DATE_TEXT + r"( \d{2}:\d{2}(:\d{2}(\.\d+)?)?)?"


def _conversion(name: str, target: str, text_and_pattern: str, converted: str) -> list[str]:
    """Two macros for a cast, the second for try_cast: Athena takes fewer texts than DuckDB does."""
    wrong = f"typeof(x) = 'VARCHAR' AND NOT regexp_full_match({text_and_pattern})"
    tried = converted.replace(" CAST(", " TRY_CAST(").replace("CAST(x", "TRY_CAST(x", converted.startswith("CAST(x"))
    return [
        f"CREATE MACRO athena_{name}(x) AS CASE WHEN {wrong} THEN {_INVALID.format(target)} ELSE {converted} END",
        f"CREATE MACRO athena_try_{name}(x) AS CASE WHEN {wrong} THEN NULL ELSE {tried} END",
    ]


MACROS = [
    f"CREATE MACRO athena_start(x) AS CASE WHEN x = 0 THEN error('NOT_SUPPORTED: substr from position 0. {DIFFERS}: "
    "positions start at 1') ELSE x END",
    *_conversion(
        "integer",
        "bigint",
        "CAST(x AS VARCHAR), '[+-]?[0-9]+'",
        f"CASE WHEN {_FLOATING} THEN CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT) ELSE CAST(x AS BIGINT) END",
    ),
    *_conversion("date", "date", f"CAST(x AS VARCHAR), '{_DATE_TEXT}'", "CAST(x AS DATE)"),
    *_conversion("timestamp", "timestamp", f"CAST(x AS VARCHAR), '{_TIME_TEXT}'", "CAST(x AS TIMESTAMP)"),
    *_conversion("boolean", "boolean", "lower(CAST(x AS VARCHAR)), 'true|false|t|f|1|0'", "CAST(x AS BOOLEAN)"),
]

"""Macros for DuckDB: checks and conversions that depend on types, which DuckDB knows when it binds a query."""

__all__ = ["DIFFERS", "MACROS"]

DIFFERS = "The sandbox runs queries on DuckDB, which reads this differently from Athena"
_TEXT = "typeof(x) IN ('VARCHAR', '\"NULL\"')"
_INVALID = "error('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(x AS VARCHAR) || ''' to {}')"
_FLOATING = "typeof(x) IN ('DOUBLE', 'FLOAT')"
_DATE_TEXT = r"\d{4}-\d{2}-\d{2}"
_TIME_TEXT = _DATE_TEXT + r"( \d{2}:\d{2}(:\d{2}(\.\d+)?)?)?"


def _differs(what: str, instead: str) -> str:
    return f"error('NOT_SUPPORTED: {what}. {DIFFERS}: {instead}')"


def _conversion(name: str, target: str, text_and_pattern: str, converted: str) -> list[str]:
    """Two macros for a cast, the second for try_cast: Athena takes fewer texts than DuckDB does."""
    wrong = f"typeof(x) = 'VARCHAR' AND NOT regexp_full_match({text_and_pattern})"
    tried = converted.replace(" CAST(", " TRY_CAST(").replace("CAST(x", "TRY_CAST(x", converted.startswith("CAST(x"))
    return [
        f"CREATE MACRO athena_{name}(x) AS CASE WHEN {wrong} THEN {_INVALID.format(target)} ELSE {converted} END",
        f"CREATE MACRO athena_try_{name}(x) AS CASE WHEN {wrong} THEN NULL ELSE {tried} END",
    ]


MACROS = [
    # Athena compares text only with text; DuckDB converts.
    "CREATE MACRO athena_same(x, y) AS CASE WHEN (typeof(x) = 'VARCHAR') <> (typeof(y) = 'VARCHAR') "
    "AND typeof(x) <> '\"NULL\"' AND typeof(y) <> '\"NULL\"' "
    "THEN error('TYPE_MISMATCH: Cannot apply operator: ' || lower(typeof(x)) || ' = ' || lower(typeof(y))) "
    "ELSE x END",
    f"CREATE MACRO athena_text(x) AS CASE WHEN {_TEXT} THEN x ELSE "
    "error('TYPE_MISMATCH: Unexpected parameters (' || lower(typeof(x)) || '), text is expected') END",
    "CREATE MACRO athena_number(x) AS CASE WHEN typeof(x) IN ('VARCHAR', 'DATE', 'BOOLEAN') OR typeof(x) LIKE 'TIME%' "
    "THEN error('TYPE_MISMATCH: Cannot apply arithmetic to ' || lower(typeof(x))) ELSE x END",
    "CREATE MACRO athena_truth(x) AS CASE WHEN typeof(x) NOT IN ('BOOLEAN', '\"NULL\"') "
    "THEN error('TYPE_MISMATCH: Logical expression term must be a boolean, not ' || lower(typeof(x))) "
    "ELSE x END",
    "CREATE MACRO athena_exact(x) AS CASE WHEN typeof(x) LIKE 'DECIMAL%' OR typeof(x) = 'FLOAT' THEN "
    + _differs("avg or sum of decimal or real values", "cast them to double")
    + " ELSE x END",
    "CREATE MACRO athena_summable(x) AS CASE WHEN typeof(x) = 'FLOAT' THEN "
    + _differs("sum of real values", "cast them to double")
    + " ELSE x END",
    "CREATE MACRO athena_fraction(x) AS CASE WHEN typeof(x) LIKE '%INT' OR typeof(x) = 'INTEGER' THEN "
    + _differs("ceil or floor of an integer", "leave the function out")
    + " ELSE x END",
    "CREATE MACRO athena_moment(x) AS CASE WHEN typeof(x) = 'DATE' THEN "
    + _differs("date_trunc of a date", "cast it to timestamp")
    + " ELSE x END",
    "CREATE MACRO athena_start(x) AS CASE WHEN x = 0 THEN "
    + _differs("substr from position 0", "positions start at 1")
    + " ELSE x END",
    "CREATE MACRO athena_varchar(x) AS CASE WHEN "
    + _FLOATING
    + " OR typeof(x) LIKE 'TIMESTAMP%' THEN "
    + _differs(
        "A double or timestamp cast to varchar",
        "cast a double to decimal first, or format a timestamp with date_format",
    )
    + " ELSE CAST(x AS VARCHAR) END",
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

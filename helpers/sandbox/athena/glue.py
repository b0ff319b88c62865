"""Glue's catalog is Athena's: what a query makes is listed, tagged and deleted there, and the other way round."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import moto.athena.models
from moto.glue.models import FakeDatabase, FakeTable, GlueBackend, glue_backends
from moto.glue.responses import GlueResponse

from helpers.sandbox.patching import replace

if TYPE_CHECKING:
    from helpers.sandbox.athena.catalog import Catalog, Table

OPERATIONS = ("create_database", "get_database", "get_databases", "delete_database", "create_table", "get_table",
              "get_tables", "delete_table", "batch_delete_table", "tag_resource", "get_tags")  # fmt: skip


class TableOfAthena(FakeTable):
    """A table that a query made."""


@functools.cache
def patch() -> None:
    """Put this module's patch in place, when Athena is first used: to load Glue takes its time."""
    for name in OPERATIONS:
        replace(GlueResponse, name, _in_step(getattr(GlueResponse, name)))


def share(catalog: "Catalog", account: str, region: str) -> None:
    """Let a new catalog of Athena's begin with what Glue has."""
    patch()
    for name in glue_backends[account][region].databases:
        catalog.add(name)


def _in_step(operation: Callable[[GlueResponse], Any]) -> Callable[[GlueResponse], Any]:
    # On AWS there is one catalog; in moto Glue and Athena each have their own.
    @functools.wraps(operation)
    def stepped(self: GlueResponse) -> Any:
        glue = self.glue_backend
        athena: Any = moto.athena.models.athena_backends[glue.account_id][glue.region_name]
        if "catalog" not in vars(athena):  # Athena has not been used in this region
            return operation(self)
        _to_glue(athena.catalog, glue)
        try:
            return operation(self)
        finally:
            _to_athena(glue, athena.catalog)

    return stepped


def _to_glue(catalog: "Catalog", glue: GlueBackend) -> None:
    known = catalog.databases()
    for gone in set(glue.databases) - set(known):
        del glue.databases[gone]
    for name in known:
        if name not in glue.databases:
            # AWS forgets a database's tags with it; in moto the next one of that name has them.
            glue.tagger.delete_all_tags_for_resource(
                f"arn:aws:glue:{glue.region_name}:{glue.account_id}:database/{name}"
            )
            glue.databases[name] = FakeDatabase(name, {"Name": name}, glue.account_id)
        held = glue.databases[name].tables
        tables = {table.name: table for table in catalog.tables(name)}
        for gone in [one for one, table in held.items() if isinstance(table, TableOfAthena) and one not in tables]:
            del held[gone]
        for one in set(tables) - set(held):
            held[one] = TableOfAthena(name, one, _described(tables[one]), glue.account_id)


def _to_athena(glue: GlueBackend, catalog: "Catalog") -> None:
    for name in glue.databases:
        catalog.add(name)
    for name in catalog.databases():
        if name not in glue.databases:
            catalog.drop(name)
            continue
        for table in catalog.tables(name):
            if table.name not in glue.databases[name].tables:
                catalog.drop(name, table.name)


def _described(table: "Table") -> dict[str, Any]:
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Location": table.location,
            "Columns": [{"Name": column.name, "Type": column.hive_type} for column in table.columns],
        },
        "PartitionKeys": [{"Name": column.name, "Type": column.hive_type} for column in table.partition_columns],
    }

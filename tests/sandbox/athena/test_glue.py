"""Glue and Athena share one catalog."""

import uuid

import pytest

import helpers
from tests.deploy.sandboxed import queried


@pytest.fixture
def names(lab: helpers.Lab):
    """The name of a database, and a bucket for results."""
    bucket = f"glue-{uuid.uuid4().hex}"
    lab.client("s3").create_bucket(Bucket=bucket)
    lab.query_seconds(0)
    yield f"db_{uuid.uuid4().hex}", bucket
    lab.query_seconds()


def tables(lab: helpers.Lab, database: str) -> list[str]:
    return [one["Name"] for one in lab.client("glue").get_tables(DatabaseName=database)["TableList"]]


def databases(lab: helpers.Lab, where: str) -> set[str]:
    if where == "glue":
        return {one["Name"] for one in lab.client("glue").get_databases()["DatabaseList"]}
    found = lab.client("athena").list_databases(CatalogName="AwsDataCatalog")["DatabaseList"]
    return {one["Name"] for one in found}


def test_what_a_query_makes_and_drops_is_seen_in_glue(lab, names):
    database, bucket = names
    queried(lab, f"CREATE DATABASE {database}", bucket)
    at = f"s3://{bucket}/orders/"
    make = f"CREATE EXTERNAL TABLE {database}.orders (id int) LOCATION '{at}'"
    queried(lab, make, bucket)
    table = lab.client("glue").get_table(DatabaseName=database, Name="orders")["Table"]
    assert table["StorageDescriptor"]["Columns"] == [{"Name": "id", "Type": "int"}]
    assert table["StorageDescriptor"]["Location"] == at
    queried(lab, f"DROP TABLE {database}.orders", bucket)
    assert tables(lab, database) == []
    queried(lab, f"DROP DATABASE {database}", bucket)
    assert database not in databases(lab, "glue")


def test_what_is_deleted_in_glue_is_gone_for_queries(lab, names):
    database, bucket = names
    queried(lab, f"CREATE DATABASE {database}", bucket)
    for table in ("one", "other"):
        queried(lab, f"CREATE EXTERNAL TABLE {database}.{table} (id int) LOCATION 's3://{bucket}/x/'", bucket)
    glue = lab.client("glue")
    glue.delete_table(DatabaseName=database, Name="one")
    assert tables(lab, database) == ["other"]
    glue.delete_database(Name=database)
    assert database not in databases(lab, "athena")


def test_what_is_made_in_glue_is_there_for_queries(lab, names):
    database, bucket = names
    glue = lab.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    assert database in databases(lab, "athena")
    lab.client("s3").put_object(Bucket=bucket, Key="orders/a.csv", Body=b"1;ann\n2;bob\n")
    storage = {
        "Location": f"s3://{bucket}/orders",
        "Columns": [{"Name": "id", "Type": "int"}, {"Name": "customer", "Type": "string"}],
        "SerdeInfo": {
            "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
            "Parameters": {"field.delim": ";"},
        },
    }
    glue.create_table(DatabaseName=database, TableInput={"Name": "orders", "StorageDescriptor": storage})
    queried(lab, f"SELECT customer FROM {database}.orders WHERE id = 2", bucket)
    queried(lab, f"DROP SCHEMA {database} CASCADE", bucket)
    assert database not in databases(lab, "glue")


def test_a_new_database_has_not_the_tags_of_one_that_was_dropped(lab, names):
    database, bucket = names
    glue, arn = lab.client("glue"), f"arn:aws:glue:{lab.region}:{lab.account}:database/{names[0]}"
    queried(lab, f"CREATE DATABASE {database}", bucket)
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"whose": "mine"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"whose": "mine"}
    queried(lab, f"DROP DATABASE {database}", bucket)
    assert database not in databases(lab, "glue")
    queried(lab, f"CREATE DATABASE {database}", bucket)
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}

"""Says how an Athena query is getting on, why it failed, and where its result lies."""

import boto3


def lambda_handler(event, context):
    query = boto3.client("athena").get_query_execution(QueryExecutionId=event["id"])["QueryExecution"]
    return {
        "id": event["id"],
        "status": query["Status"]["State"],
        "reason": query["Status"].get("StateChangeReason", ""),
        "result": query["ResultConfiguration"].get("OutputLocation", ""),
    }

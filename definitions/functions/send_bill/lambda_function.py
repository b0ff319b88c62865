"""Sends a bill, which here means: puts it into a bucket, where it can be counted.

It takes its time. A bill that is given a name is the same bill however often it is sent.
"""

import time

import boto3


def lambda_handler(event, context):
    time.sleep(event.get("seconds", 0))
    key = f"bills/{event.get('bill') or context.aws_request_id}.txt"
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=key, Body=f"For order {event['order']}")
    return {"sent": key}

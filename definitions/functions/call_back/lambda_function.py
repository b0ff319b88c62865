"""Called by a rule when a job announces its end: passes the job's outcome on to the waiting execution."""

import json

import boto3


def lambda_handler(event, context):
    job, states = event["detail"], boto3.client("stepfunctions")
    if job["status"] == "success":
        states.send_task_success(taskToken=job["token"], output=json.dumps({"status": "success"}))
    else:
        cause = f"The job ended as {job['status']}."
        states.send_task_failure(taskToken=job["token"], error="JobFailed", cause=cause)

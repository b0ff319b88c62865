"""Says how a job of `start_job` is getting on: running, or what it was asked to end as."""

import time


def lambda_handler(event, context):
    began, seconds, outcome = event["id"].split("/")
    done = time.time() >= float(began) + float(seconds)
    return {"id": event["id"], "status": outcome if done else "running"}

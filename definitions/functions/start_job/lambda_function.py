"""A stand-in for any service that takes a job and answers at once.

The job's id says when it began and how long it takes, so its state survives between two calls without
a database: whoever asks later works it out from the id.
"""

import time


def lambda_handler(event, context):
    seconds = float(event.get("seconds", 10))
    outcome = event.get("outcome", "success")
    return {"id": f"{time.time():.3f}/{seconds}/{outcome}", "status": "running"}

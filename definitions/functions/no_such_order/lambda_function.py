"""A function with a bug: whatever it is asked, it raises an exception."""


def lambda_handler(event, context):
    raise ValueError("no such order")

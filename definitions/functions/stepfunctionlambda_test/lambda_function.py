def lambda_handler(event, context):
    return {"status": "success", "message": "Hello, World!"}

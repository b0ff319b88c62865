"""Does what it is told, so that each way of failing can be seen: well, raise, sleep or exit."""

import os
import time


class OutOfStock(Exception):
    pass


def lambda_handler(event, context):
    what = event.get("do", "well")
    if what == "raise":
        raise OutOfStock("no more of these")
    if what == "sleep":
        time.sleep(event.get("seconds", 10))
    if what == "exit":
        os._exit(1)
    return {"did": what}

"""The addresses of AWS's console."""

__all__ = ["address"]

# By how the region begins ("AWS partitions"); everywhere else the first holds.
DOMAINS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def address(region: str) -> str:
    """Where the console of a region is, such as `https://eu-west-1.console.aws.amazon.com`.

    >>> address("cn-north-1")
    'https://cn-north-1.console.amazonaws.cn'
    """
    found = (domain for begin, domain in DOMAINS.items() if region.startswith(begin))
    return f"https://{region}.{next(found, 'console.aws.amazon.com')}"

"""Make what a lesson needs, once and no more, and remove all of it again."""

from helpers.deploy.deployment import Deployment, deploy
from helpers.deploy.removal import Removal, made, tear_down
from helpers.deploy.resources import function, once_assumable, role, state_machine, statements
from helpers.deploy.stand_ins import stand_ins

__all__ = [
    "Deployment",
    "Removal",
    "deploy",
    "function",
    "made",
    "once_assumable",
    "role",
    "stand_ins",
    "state_machine",
    "statements",
    "tear_down",
]

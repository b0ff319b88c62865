"""Make what a lesson needs, once and no more, and remove all of it again."""

from helpers.deploy.deployment import Deployment, deploy
from helpers.deploy.removal import Removal, tear_down
from helpers.deploy.resources import function, role, state_machine

__all__ = ["Deployment", "Removal", "deploy", "function", "role", "state_machine", "tear_down"]

"""A class on one machine: JupyterHub gives each system user a server, the notebooks, and a sandbox of their own.

As root, with this clone, its `.venv` and the Python below it where everybody may read them:

    python3.11 -m pip --python .venv install -c constraints.txt jupyterhub && npm install -g configurable-http-proxy
    .venv/bin/jupyterhub -f jupyterhub_config.py
"""

import asyncio
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
HERE = Path(__file__).resolve().parent
STATE = HERE / ".jupyterhub"
STATE.mkdir(mode=0o700, exist_ok=True)


def for_learner(what):
    """What `sfn-lab class` does for the learner whose server starts or has ended."""

    async def hook(spawner):
        ran = await asyncio.create_subprocess_exec(str(BIN / "sfn-lab"), "class", what, spawner.user.name)
        await ran.wait()

    return hook


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = "http://:8000"
c.JupyterHub.db_url = f"sqlite:///{STATE}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{STATE}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{STATE}/proxy.pid"
c.Authenticator.allow_all = True  # everybody who has an account on this machine, with its password
# The environment's own jupyterhub-singleuser, without a grammar of internationalised addresses that jsonschema builds
# for a second and 15 MB a learner, and against which a server holds nothing.
SINGLEUSER = "import sys; sys.modules['rfc3987_syntax'] = None; from jupyterhub.singleuser import main; main()"
c.Spawner.cmd = [sys.executable, "-c", SINGLEUSER]
c.Spawner.notebook_dir = "~/my-notebooks"
c.Spawner.default_url = "/lab/tree/00-start-here.ipynb"
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(HERE / "helpers" / "jupyter_extension"),
    "LAB_SANDBOX_IDLE": "3600",  # seconds: where the hub was killed, sandboxes end by themselves
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # seconds: a whole room opens at once
# A kernel that nobody has used for half an hour ends, and gives its memory back.
c.Spawner.args = ["--MappingKernelManager.cull_idle_timeout=1800", "--MappingKernelManager.cull_interval=300"]
c.Spawner.pre_spawn_hook = for_learner("hand-out")
c.Spawner.post_stop_hook = for_learner("end")

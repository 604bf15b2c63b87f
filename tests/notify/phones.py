"""The simulator's FCM on a thread, and its phones."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from runtime.settings import FcmSettings
from simulator.fcm import PROJECT_ID, FcmDouble, shown
from simulator.serving import listen
from tests.notify.warnings import NOW


class Phones:
    """A real socket that speaks FCM's HTTP v1, and what it was handed."""

    def __init__(self, folder: Path) -> None:
        listener = listen(0)
        self.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        account = folder / "account.json"
        self.double = FcmDouble(lambda: NOW)
        self.double.write_service_account(account, self.base)
        self.settings = FcmSettings(project_id=PROJECT_ID, credentials=account, base_url=self.base)
        self.server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=self.double.routes()), log_level="error", ws="none", lifespan="off")
        )
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve(sockets=[listener])))
        self.thread.start()

    def handed(self, token: str) -> list[dict[str, Any]]:
        """Every message for that token, oldest first."""
        return [entry["message"] for entry in list(self.double.inbox) if entry["message"]["token"] == token]

    def titles(self, token: str) -> list[str]:
        return [message["notification"]["title"] for message in self.handed(token)]

    def on_screen(self, token: str) -> list[dict[str, Any]]:
        """What the phone with that token shows, newest first."""
        return shown([entry for entry in list(self.double.inbox) if entry["message"]["token"] == token])

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()

"""A headless Chromium, controlled through two pipes with its DevTools protocol; without a port or a driver.

Everything that the page asks of a network, writes to the console or throws is kept in `trouble` and `asked_for`.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TIME_LIMIT_S = 60.0  # two slow cores that run other tests too
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_KEYS = {"-": 189, "Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, " ": 32}
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-default-apps", "--remote-debugging-pipe", "--hide-scrollbars",
)  # fmt: skip


def installed() -> str | None:
    """Return the browser of this machine, None when there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


class Page:
    """One tab. `asked_for` are the addresses it requested, `trouble` what its console and engine complained of."""

    def __init__(self, profile: Path) -> None:
        # The browser reads commands from descriptor 3 and writes answers to 4; a shell puts the pipes there.
        theirs_in, self._commands = os.pipe()
        self._answers, theirs_out = os.pipe()
        line = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        browser = installed()
        assert browser is not None
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", line, browser, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile), "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.asked_for: list[str] = []
        self.trouble: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Security"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        with contextlib.suppress(OSError, AssertionError):
            self.send("Browser.close")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer; events in between are recorded."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + TIME_LIMIT_S
        while True:
            told = self._next(until)
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def open(
        self, path: Path, *, width: int = 1280, height: int = 900, phone: bool = False, dark: bool = False,
        scripts: bool = True, at: str = "",
    ) -> None:  # fmt: skip
        """Load a file, and what follows # in its address, and wait until its scripts have run."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=phone,
                  deviceScaleFactor=2 if phone else 1)  # fmt: skip
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                    {"name": "prefers-reduced-motion", "value": "reduce"}]  # fmt: skip
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.asked_for.clear()
        self.trouble.clear()
        # By way of an empty page: a navigation to another place in the same page would not load it.
        self.send("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self.asked_for.clear()
        self.send("Page.navigate", url=path.resolve().as_uri() + (f"#{at}" if at else ""))
        if scripts:
            self.wait("document.documentElement?.dataset.ready === 'yes'")
        else:
            self.wait_loaded()

    def wait_loaded(self) -> None:
        """Wait until a page without scripts is loaded."""
        until = time.monotonic() + TIME_LIMIT_S
        while (told := self._next(until)).get("method") != "Page.loadEventFired":
            self._note(told)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        until = time.monotonic() + TIME_LIMIT_S
        while not self.run(expression):
            assert time.monotonic() < until, f"never true: {expression}; {self.trouble}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            code = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": _KEYS[key]}
            text = {"Enter": "\r", " ": " ", "-": "-"}.get(key)
            self.send("Input.dispatchKeyEvent", type="keyDown", **code, **({"text": text} if text else {}))
            self.send("Input.dispatchKeyEvent", type="keyUp", **code)

    def type(self, text: str) -> None:
        """Type text into the focused element."""
        self.send("Input.insertText", text=text)

    def click(self, x: float, y: float) -> None:
        """Click with the left button."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def swipe(self, x: float, y: float, by_x: float, by_y: float) -> None:
        """Swipe from a point by so many pixels."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for part in range(1, 16):
            point = {"x": x + by_x * part / 15, "y": y + by_y * part / 15}
            self.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[point])
            time.sleep(0.016)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, path: Path, *, whole: bool = False) -> Path:
        """Return a PNG of the visible part, or of the whole page."""
        options: dict[str, Any] = {"format": "png"}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}
            options |= {"captureBeyondViewport": True, "clip": clip}
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", **options)["data"]))
        return path

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            chunk = os.read(self._answers, 1 << 20)
            assert chunk, "the browser has ended"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def _note(self, told: Mapping[str, Any]) -> None:
        facts = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.asked_for.append(facts["request"]["url"])
            case "Log.entryAdded":
                self.trouble.append(f"log: {facts['entry']['text']}")
            case "Runtime.consoleAPICalled":
                self.trouble.append(f"console: {_words(facts['args'])}")
            case "Runtime.exceptionThrown":
                self.trouble.append(f"exception: {facts['exceptionDetails']}")
            case "Page.javascriptDialogOpening":
                self.trouble.append(f"dialog: {facts['message']}")


def _words(arguments: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(str(each.get("value", each.get("description", ""))) for each in arguments)

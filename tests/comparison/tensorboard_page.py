"""TensorBoard in a browser.

    python -m tests.comparison.tensorboard_page LOG_DIR FOLDER

writes pictures of its pages into a folder. It needs Chromium and its driver.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

TABS = ("scalars", "custom_scalars", "hparams")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--window-size=1250,800"),
)
# A page of components and frames: their roots, one within the other.
ROOTS = """
function roots(root) {
  const found = [root];
  for (const node of root.querySelectorAll('*')) {
    if (node.shadowRoot) found.push(...roots(node.shadowRoot));
    if (node.tagName === 'IFRAME') found.push(...roots(node.contentDocument));
  }
  return found;
}
const select = (selector) =>
  roots(document).flatMap((root) => [...root.querySelectorAll(selector)]);
"""
# What is written in an element itself.
OWN_TEXT = """
const own = (node) => [...node.childNodes].filter((child) => child.nodeType === 3)
  .map((child) => child.textContent.trim()).join(' ').trim();
"""


class TensorBoardPage:
    """TensorBoard, started on a folder and opened in headless Chromium."""

    def __init__(self, log_dir: Path):
        self._log_dir = log_dir

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tensorboard.main", "--port", "0"),
                *("--host", "localhost", "--logdir", str(self._log_dir)),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._server.stderr is not None
        for line in self._server.stderr:
            if found := re.search(r"at (http://\S+)", line):
                self._url = found.group(1)
                break
        self._profile = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        for option in (*OPTIONS, f"--user-data-dir={self._profile.name}"):
            options.add_argument(option)
        service = Service(shutil.which("chromedriver"))
        self._browser = webdriver.Chrome(options=options, service=service)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._browser.quit()
        self._server.terminate()
        self._server.wait()
        assert self._server.stderr is not None
        self._server.stderr.close()
        self._profile.cleanup()

    def open(self, tab: str, *expected: str) -> str:
        """Opens a tab, waits for texts, and returns all its text."""
        self._browser.get("about:blank")
        self._browser.get(f"{self._url}#{tab}")
        return self.wait(*expected)

    def wait(self, *expected: str) -> str:
        """Waits for texts on the page, and returns all its text."""
        text = ""

        def is_there(browser: webdriver.Chrome) -> bool:
            nonlocal text
            text = "\n".join(self.drawn("*:not(style):not(script)"))
            return all(each in text for each in expected)

        WebDriverWait(self._browser, 30).until(is_there, f"{expected} in {text}")
        return text

    def drawn(self, selector: str) -> list[str]:
        """The texts of all elements that a CSS selector selects, empty ones too."""
        script = f"{ROOTS} {OWN_TEXT} return select(arguments[0]).map(own);"
        texts: list[str] = self._browser.execute_script(script, selector)
        return texts

    def click(self, label: str) -> None:
        """Clicks on what has a text, in whatever case."""
        script = (
            f"{ROOTS} {OWN_TEXT} const label = arguments[0].toLowerCase();"
            "select('*').find((node) => own(node).toLowerCase() === label).click();"
        )
        self._browser.execute_script(script, label)

    def screenshot(self, file: Path) -> None:
        """Writes a picture of the page."""
        self._browser.save_screenshot(str(file))


if __name__ == "__main__":
    import time

    with TensorBoardPage(Path(sys.argv[1])) as page:
        for tab in TABS:
            page.open(tab)
            time.sleep(5)
            if tab == "custom_scalars":
                for label in sys.argv[3:]:
                    page.click(label)
                time.sleep(3)
            if tab == "hparams":
                page.click("Parallel Coordinates View")
                time.sleep(3)
            page.screenshot(Path(sys.argv[2]) / f"tensorboard_{tab}.png")

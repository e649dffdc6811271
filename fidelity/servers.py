"""Real image servers on loopback: started for a case on a free port, asked for one picture at a time, stopped after."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

# nginx in one process, so that its CPU time is that of the process that was started. The buffer is the one setting that
# is not the module's default: larger files than 1 MB are refused otherwise.
NGINX = """
load_module modules/ngx_http_image_filter_module.so;
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 16; }}
http {{
    access_log off; root {folder}/pictures; types {{ image/jpeg jpg jpeg; image/png png; image/gif gif; }}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ image_filter {setting}; image_filter_buffer 64M; }} }}
}}
"""

# thumbor at its defaults, but for where pictures come from, and that it stores none.
THUMBOR = """
LOADER = "thumbor.loaders.file_loader"
FILE_LOADER_ROOT_PATH = "{folder}/pictures"
STORAGE = "thumbor.storages.no_storage"
"""

# Next.js with one empty page and without the optimizer's cache, which knows pictures by their addresses.
NEXT = """
module.exports = {{ images: {{ formats: {formats}, maximumDiskCacheSize: 0 }} }};
"""


# No server tells its makers that it ran.
ENVIRONMENT = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def installed(node, path):
    """A file of a package that npm installed."""
    found = node / "node_modules" / path
    if not found.exists():
        raise RuntimeError(f"{path.split('/')[0]} is missing")
    return found


class Server:
    """A running server; `pictures` is the folder that it serves, `path` what stands before a picture's name in the address and
    `query` what stands after, `headers` what the client says."""

    def __init__(self, process, pictures, port, path, query, headers):
        self.process, self.pictures, self.port = process, pictures, port
        self.path, self.query, self.headers = path, query, headers

    def cpu_ms(self):
        """CPU time of the server's process with all its threads (the clock of clock_getcpuclockid(3)), in milliseconds."""
        return 1000 * time.clock_gettime((~self.process.pid << 3) | 2)

    def fetch(self, source, target):
        """Has the server make its result of a file; the CPU time that the server took for it, in milliseconds."""
        served = self.pictures / ("picture" + source.suffix)
        served.write_bytes(source.read_bytes())
        address = f"http://127.0.0.1:{self.port}{self.path}{served.name}{self.query}"
        before = self.cpu_ms()
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=self.headers), timeout=120) as answer:
                target.write_bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"the server answers {error.code}") from error
        return self.cpu_ms() - before

    def await_ready(self, log):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the server does not answer: {log.read_text(errors='replace').strip()[-200:]}")


@contextlib.contextmanager
def running(words, pictures, port, path="/", query="", headers={}):
    pictures.mkdir(exist_ok=True)
    log = pictures.parent / "server.log"
    with log.open("w") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said, env=ENVIRONMENT)
    try:
        server = Server(process, pictures, port, path, query, headers)
        server.await_ready(log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


@dataclass
class Nginx:
    """nginx with its image filter; `setting` is what follows the directive image_filter."""

    setting: str

    def run(self, program, folder, node):
        port, configuration = free_port(), folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, port=port, setting=self.setting))
        return running([program("nginx") or "nginx", "-c", configuration], folder / "pictures", port)


@dataclass
class Thumbor:
    """thumbor; `path` is what stands before the picture's name in the address."""

    path: str

    def run(self, program, folder, node):
        port, configuration = free_port(), folder / "thumbor.conf"
        configuration.write_text(THUMBOR.format(folder=folder))
        words = [sys.executable, "-m", "thumbor.server", "-i", "127.0.0.1", "-p", str(port), "-c", configuration, "-l", "error"]
        return running(words, folder / "pictures", port, f"/unsafe/{self.path}/")


@dataclass
class Ipx:
    """IPX at its defaults; `modifiers` is what stands before the picture's name in the address."""

    modifiers: str

    def run(self, program, folder, node):
        port, pictures = free_port(), folder / "pictures"
        words = [program("node") or "node", installed(node, "ipx/bin/ipx.mjs"), "serve", "--dir", pictures,
                 "--host", "127.0.0.1", "--port", str(port)]
        return running(words, pictures, port, f"/{self.modifiers}/")


@dataclass
class Next:
    """Next.js, built and started, with its image optimizer asked for a width at the component's quality; `accept` are the
    formats that the client takes besides and the setting lists."""

    width: int
    accept: list = field(default_factory=list)

    def run(self, program, folder, node):
        port, pictures = free_port(), folder / "public"
        command = [program("node") or "node", installed(node, "next/dist/bin/next")]
        (folder / "node_modules").symlink_to(node / "node_modules")
        (folder / "package.json").write_text("{}")
        (folder / "next.config.js").write_text(NEXT.format(formats=json.dumps(self.accept or ["image/webp"])))
        (folder / "pages").mkdir()
        (folder / "pages" / "index.js").write_text("module.exports = () => null;")
        # What is not there when it starts is never found.
        pictures.mkdir()
        for suffix in (".jpg", ".png"):
            (pictures / ("picture" + suffix)).touch()
        # Turbopack, the default, refuses packages outside the project.
        built = subprocess.run([*command, "build", "--webpack", folder], capture_output=True, text=True, env=ENVIRONMENT)
        if built.returncode != 0:
            raise RuntimeError(f"next build ends with status {built.returncode}")
        words = [*command, "start", folder, "-H", "127.0.0.1", "-p", str(port)]
        headers = {"Accept": ",".join(self.accept)} if self.accept else {}
        return running(words, pictures, port, "/_next/image?url=%2F", f"&w={self.width}&q=75", headers)

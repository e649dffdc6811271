"""Real image servers on loopback: started for a case on a free port, asked for one picture at a time, stopped after."""

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server; `folder / "pictures"` is what it serves."""

    def __init__(self, process, folder, port, prefix):
        self.process, self.folder, self.port, self.prefix = process, folder, port, prefix

    def cpu_ms(self):
        """CPU time of the server's process with all its threads (the clock of clock_getcpuclockid(3)), in milliseconds."""
        return 1000 * time.clock_gettime((~self.process.pid << 3) | 2)

    def fetch(self, source, target):
        """Has the server make its result of a file; the CPU time that the server took for it, in milliseconds."""
        served = self.folder / "pictures" / ("picture" + source.suffix)
        served.write_bytes(source.read_bytes())
        before = self.cpu_ms()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.prefix}/{served.name}", timeout=120) as answer:
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
def running(words, folder, port, prefix=""):
    (folder / "pictures").mkdir(exist_ok=True)
    log = folder / "server.log"
    with log.open("w") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said)
    try:
        server = Server(process, folder, port, prefix)
        server.await_ready(log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


@dataclass
class Nginx:
    """nginx with its image filter; `setting` is what follows the directive image_filter."""

    setting: str

    def run(self, program, folder):
        port, configuration = free_port(), folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=folder, port=port, setting=self.setting))
        return running([program("nginx"), "-c", configuration], folder, port)


@dataclass
class Thumbor:
    """thumbor; `path` is what stands before the picture's name in the address."""

    path: str

    def run(self, program, folder):
        port, configuration = free_port(), folder / "thumbor.conf"
        configuration.write_text(THUMBOR.format(folder=folder))
        words = [sys.executable, "-m", "thumbor.server", "-i", "127.0.0.1", "-p", str(port), "-c", configuration, "-l", "error"]
        return running(words, folder, port, "/unsafe/" + self.path)

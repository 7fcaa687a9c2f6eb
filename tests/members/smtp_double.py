"""A mail server of our own on a free port: takes letters, or refuses them as it is told."""
import socketserver
import threading


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        server = self.server
        self._say("220 double ready")
        text = None
        for raw in self.rfile:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if text is not None:
                if line == ".":
                    server.letters.append("\n".join(text))
                    text = None
                    self._say("250 taken")
                else:
                    text.append(line)
                continue
            word = line.split(":")[0].split(" ")[0].upper()
            if word == "DATA" and not server.refuse.get("DATA"):
                text = []
            if word == "QUIT":
                return
            self._say(server.refuse.get(word) or {"EHLO": "250 double", "DATA": "354 go on"}.get(word, "250 ok"))

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class Double(socketserver.ThreadingTCPServer):
    """`letters`: what came. `refuse`: {"RCPT": "550 nobody here"} answers so to that word."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Talk)
        self.letters: list[str] = []
        self.refuse: dict[str, str] = {}
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.server_address[1]}"

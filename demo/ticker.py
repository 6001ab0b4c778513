"""A server that keeps a connection open: ten lines, one every 50 ms, then silence until the client goes away."""
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Ticker(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        for number in range(1, 11):
            self.wfile.write(b"tick %d of an open connection\n" % number)
            self.wfile.flush()
            time.sleep(0.05)
        try:
            self.connection.recv(1)
        except OSError as error:
            self.log_message("the connection ended: %s", error)


ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Ticker).serve_forever()

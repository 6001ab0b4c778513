"""The macro benchmark itself: it must see a bypass, spoil nothing it leaves behind, and get its sums right."""

import glob
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PERF = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(PERF, "macro"))
import peers  # noqa: E402
import report  # noqa: E402
from commands import Background, BenchError  # noqa: E402
from meters import TunnelMeter  # noqa: E402
from works import WORKS, figures  # noqa: E402

BENCH = os.path.join(PERF, "macro", "bench")
loader = importlib.machinery.SourceFileLoader("bench", BENCH)
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
loader.exec_module(bench)


class Bypassed(peers.Direct):
    """Claims to tunnel, and does not."""

    name = "bypassed"
    tunnelled = True


def leftovers(pid):
    return glob.glob(f"/run/netns/cvb{pid}-*")


class JmhTest(unittest.TestCase):
    """perf/jmh with a JVM that only pretends, in a folder of its own."""

    def run_jmh(self, script, code):
        with tempfile.TemporaryDirectory() as root:
            for folder in ("perf/macro", "perf/target", "build", "config", "jdk/bin"):
                os.makedirs(os.path.join(root, folder))
            for path in ("perf/jmh", "perf/macro/results_md.py", "perf/macro/commands.py", "config/jvm.options"):
                shutil.copy(os.path.join(os.path.dirname(PERF), path), os.path.join(root, path))
            with open(os.path.join(root, "perf/target/classpath"), "w", encoding="ascii") as file:
                file.write("none")
            for path, text in (("build/find-jdk", f"echo {root}/jdk"), ("jdk/bin/java", script)):
                with open(os.path.join(root, path), "w", encoding="ascii") as file:
                    file.write("#!/bin/sh\n" + text + "\n")
                os.chmod(os.path.join(root, path), 0o755)
            done = subprocess.run([os.path.join(root, "perf/jmh"), "A|B"], capture_output=True, text=True, check=False)
            self.assertEqual(code, done.returncode, done.stdout + done.stderr)
            return [name for folder in ("results", "out") for name in glob.glob(os.path.join(root, "perf", folder, "*"))]

    RESULT = ('[{"benchmark":"b","mode":"avgt","vmName":"vm","vmVersion":"1",'
              '"primaryMetric":{"score":1,"scoreError":"NaN","scoreUnit":"ns/op"}}]')
    # The result file is what follows -rff; the pattern stays one word.
    FIND = 'while [ "$1" != -rff ]; do shift; done; out=$2; [ "$3" = "A|B" ] || exit 9; '

    def test_a_run_is_kept(self):
        self.assertEqual(2, len(self.run_jmh(self.FIND + f"echo '{self.RESULT}' >$out", 0)))

    def test_a_run_that_does_not_end_leaves_nothing(self):
        self.assertEqual([], self.run_jmh(self.FIND + "echo '[' >$out; exit 3", 3))
        self.assertEqual([], self.run_jmh(self.FIND + "echo '[' >$out; kill -KILL $$", 247))

    def test_make_gives_the_pattern_as_one_word(self):
        done = subprocess.run(
            ["make", "--no-print-directory", "-n", "jmh", "INCLUDE=A|it's", "MVN=true"],
            cwd=os.path.dirname(PERF), capture_output=True, text=True, check=True)
        self.assertIn("perf/jmh 'A|it'\\''s'", done.stdout)


class PathTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = folder.name
        bench.CAPTURE_SECONDS_MAX = 0

    def side(self, kind):
        side = bench.Side(kind(self.out), ipv6=False)
        self.addCleanup(side.stop)
        return side

    def test_refuses_a_peer_that_is_bypassed(self):
        with self.assertRaisesRegex(BenchError, "bypassed"):
            self.side(Bypassed).start()

    def test_refuses_a_tunnel_where_none_should_be(self):
        side = self.side(peers.Direct)
        side.start()
        with self.assertRaisesRegex(BenchError, "1 bytes of direct came through port 15008"):
            side.require_path({"bytes": 1000}, 1)

    def test_counts_what_arrives_on_a_port(self):
        side = self.side(peers.Direct)
        side.start()
        meter = TunnelMeter(side.peer.lab, bench.PORT)
        meter.start()
        log = os.path.join(self.out, "idle.log")
        client = Background("client", side.client_command(("--work", "idle", "--connections", "10"), 1), log)
        self.addCleanup(client.stop)
        until = time.monotonic() + 10
        while not client.says("holding") and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(meter.bytes(), 10 * (24 + 256))
        meter.start()
        self.assertEqual(meter.bytes(), 0)


class CleanUpTest(unittest.TestCase):
    def run_bench(self, number):
        command = [BENCH, "--peers", "direct", "--rounds", "50", "--no-results"]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(started.stdout.close)
        until = time.monotonic() + 20
        while len(leftovers(started.pid)) < 5 and started.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        if started.poll() is not None:
            self.fail(started.stdout.read())
        self.assertEqual(len(leftovers(started.pid)), 5)
        started.send_signal(number)
        started.wait(20)
        return started.pid

    def test_takes_its_namespaces_away_when_told_to_end(self):
        self.assertEqual(leftovers(self.run_bench(15)), [])

    def test_sweeps_what_a_killed_one_left(self):
        pid = self.run_bench(9)
        self.assertNotEqual(leftovers(pid), [])
        bench.labs.sweep()
        self.assertEqual(leftovers(pid), [])


class SumTest(unittest.TestCase):
    def test_gives_cpu_per_gigabyte_and_per_operation(self):
        bulk = {"work": "bulk", "bytes": 4_000_000_000, "operations": 1, "bits_per_second": 8e9, "failed": 0}
        self.assertEqual(figures(bulk, 6.0, 8.0)["agent_cpu_gb"], 1.5)
        self.assertEqual(figures(bulk, 6.0, 8.0)["machine_cpu_gb"], 2.0)
        latency = {"p50": 1, "p99": 2, "p99.9": 3, "max": 4}
        ping = {"work": "ping", "bytes": 1, "operations": 50_000, "operations_per_second": 9, "latency_us": latency, "failed": 0}
        self.assertEqual(figures(ping, 1.0, 2.0)["agent_cpu_op"], 20.0)
        self.assertIsNone(figures(ping, None, 2.0)["agent_cpu_op"])

    def test_takes_the_median_and_half_the_spread(self):
        runs = [{"x": 8.0}, {"x": 10.0}, {"x": 14.0}, {"x": None}]
        self.assertEqual(report.median_of(runs, "x"), (10.0, 0.3))
        self.assertEqual(report.median_of(runs, "y"), (None, None))

    def test_tells_failures_and_ratios(self):
        results = {work.name: {"direct": [], "other": []} for work in WORKS}
        results[WORKS[0].name] = {"direct": [{"gbits": 20.0, "failed": 0}], "other": [{"gbits": 5.0, "failed": 2}]}
        self.assertEqual(report.failures(results, ["direct", "other"]), [("other", WORKS[0].name, 2)])
        text = report.markdown(results, {"direct": {}, "other": {}}, ["direct", "other"], {"date": "today"})
        self.assertIn("| bulk, 1 connection | Gbit/s | 20 ±0% | 5 ±0% | 0.25 |", text)


if __name__ == "__main__":
    unittest.main()

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
from xml.etree import ElementTree

PERF = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(PERF, "macro"))
import hello  # noqa: E402
import peers  # noqa: E402
import plots  # noqa: E402
import report  # noqa: E402
import side as sides  # noqa: E402
from commands import Background, BenchError  # noqa: E402
from lab import MEMBERS as LAB_MEMBERS  # noqa: E402
from meters import PortMeter  # noqa: E402
from works import WORKS, figures  # noqa: E402

BENCH = os.path.join(PERF, "macro", "bench")
# The members of a network and the one that the bridge is in.
MEMBERS = len(LAB_MEMBERS) + 1


def script(path):
    """A program without the ending of a module, as one."""
    name = os.path.basename(path)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


bench = script(BENCH)
profile = script(os.path.join(PERF, "macro", "profile"))


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
        self.addCleanup(setattr, sides, "CAPTURE_SECONDS_MAX", sides.CAPTURE_SECONDS_MAX)
        sides.CAPTURE_SECONDS_MAX = 0

    def side(self, kind):
        side = sides.Side(kind(self.out))
        self.addCleanup(side.stop)
        return side

    def test_refuses_a_peer_that_is_bypassed(self):
        with self.assertRaisesRegex(BenchError, "bypassed"):
            self.side(Bypassed).start()

    def test_refuses_a_tunnel_where_none_should_be(self):
        side = self.side(peers.Direct)
        side.start()
        with self.assertRaisesRegex(BenchError, "100000 bytes of direct came through port 15008"):
            side.require_path({"bytes": 1_000_000, "connections": 1}, 100_000, 0)

    def test_refuses_capture_where_none_should_be_and_its_want_where_it_should(self):
        with self.assertRaisesRegex(BenchError, "2 connections of direct were captured"):
            sides.Side(peers.Direct(self.out)).require_path({"bytes": 0, "connections": 2}, 0, 2)
        with self.assertRaisesRegex(BenchError, "of 2 connections only 1 were captured"):
            sides.Side(Bypassed(self.out)).require_path({"bytes": 10, "connections": 2}, 0, 1, "outside")

    def test_refuses_pairs_that_encrypt_differently(self):
        one, other = sides.Side(peers.Envoy(self.out)), sides.Side(peers.Culvert(self.out))
        one.handshake, other.handshake = {"suite": "a"}, {"suite": "a"}
        bench.require_alike([sides.Side(peers.Direct(self.out)), one, other])
        other.handshake = {"suite": "b"}
        with self.assertRaisesRegex(BenchError, "do not encrypt alike"):
            bench.require_alike([one, other])

    def test_counts_what_arrives_on_a_port(self):
        side = self.side(peers.Direct)
        side.start()
        meter = PortMeter(side.peer.lab, "server", sides.PORT)
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


class BesideTest(unittest.TestCase):
    """A work that runs beside the one that is measured."""

    BULK = ("--work", "bulk", "--connections", "1")
    PING = ("--work", "ping", "--size", "256")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.side = sides.Side(peers.Direct(folder.name))
        self.addCleanup(self.side.stop)
        self.side.start()

    def test_runs_longer_than_what_is_measured_and_ends_in_order(self):
        result, values = self.side.measure(self.PING, 0.5, beside=self.BULK)
        self.assertGreater(result["operations"], 100)
        self.assertGreater(result["beside"]["seconds"], result["seconds"])
        self.assertEqual(0, values["failed"])
        self.assertGreater(values["gbits_beside"], 0.1)
        self.assertGreater(values["wire_bytes"], result["beside"]["bytes"])
        self.assertNotIn("agent_cpu_op", values)

    def test_refuses_one_that_ended_before(self):
        with self.assertRaisesRegex(BenchError, "the client beside another of direct ended with 0"):
            self.side.measure(self.PING, 1, beside=(*self.BULK, "--count", "50000000"))

    def test_refuses_one_that_does_not_move(self):
        with self.assertRaisesRegex(BenchError, "the client beside another of direct ended with 0"):
            self.side.measure(self.PING, 0.1, beside=(*self.BULK, "--count", "1"))

    def test_ends_with_what_is_measured_when_that_fails(self):
        with self.assertRaisesRegex(BenchError, "ended with 2"):
            self.side.measure(("--work", "dance"), 0.1, beside=self.BULK)
        self.assertEqual("", sides.run(self.side.peer.lab.inside("client", ["ss", "-tnpHO", "state", "established"])).stdout)

    def test_has_to_go_the_same_way(self):
        result = {"connections": 1, "bytes": 10, "beside": {"connections": 2, "bytes": 30}}
        self.assertEqual({"connections": 3, "bytes": 40}, sides.together(result))
        self.assertEqual({"connections": 1, "bytes": 10}, sides.together({"connections": 1, "bytes": 10}))


class CleanUpTest(unittest.TestCase):
    def run_bench(self, number):
        command = [BENCH, "--peers", "direct", "--rounds", "50", "--no-results"]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(started.stdout.close)
        until = time.monotonic() + 20
        while len(leftovers(started.pid)) < MEMBERS and started.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        if started.poll() is not None:
            self.fail(started.stdout.read())
        self.assertEqual(len(leftovers(started.pid)), MEMBERS)
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


SVG = "{http://www.w3.org/2000/svg}"


class TrainTest(unittest.TestCase):
    def test_makes_a_cache_that_the_agent_starts_with(self):
        root = os.path.dirname(PERF)
        with tempfile.TemporaryDirectory() as folder:
            cache = os.path.join(folder, "agent.aot")
            subprocess.run([os.path.join(PERF, "macro", "train"), cache], check=True, timeout=100)
            # A JVM told so does not start without it.
            options = {"CULVERT_JAVA_OPTIONS": f"-XX:AOTCache={cache} -XX:AOTMode=on -Xlog:class+load"}
            done = subprocess.run(
                [os.path.join(root, "bin", "culvert-agent"), "--version"], env={**os.environ, **options},
                capture_output=True, text=True, check=True)
            self.assertRegex(done.stdout, "io.culvert.agent.CulvertAgent source: shared objects file")
            self.assertEqual(["agent.aot"], os.listdir(folder))


class ProfileTest(unittest.TestCase):
    LISTING = """loop-1
\tffffffff81a1 tcp_sendmsg+0x1f ([kernel.kallsyms])
\t7f01 __libc_write+0x4d (/usr/lib/libc.so.6)
\t7f02 [unknown] (/tmp/libnetty_tcnative.so)
\t7f03 void io.culvert.agent.hbone.TunnelOutput.flush() (/tmp/perf-1.map)

loop-0
\tffffffff81a1 tcp_sendmsg+0x2f ([kernel.kallsyms])
\t7f01 __libc_write+0x4d (/usr/lib/libc.so.6)
\t7f02 [unknown] (/tmp/libnetty_tcnative.so)
\t7f03 void io.culvert.agent.hbone.TunnelOutput.flush() (/tmp/perf-1.map)
"""

    def test_sums_up_stacks_from_the_root_whatever_the_thread(self):
        self.assertEqual(
            {"loop;io.culvert.agent.hbone.TunnelOutput.flush;[libnetty_tcnative.so];__libc_write;tcp_sendmsg_[k]": 2},
            profile.folded(self.LISTING))

    def test_draws_each_function_as_wide_as_its_share(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.svg")
            profile.flame.write(path, "a < b", {"loop;a.b": 3, "loop;c": 1})
            bars = {group.find(SVG + "title").text: float(group.find(SVG + "rect").get("width"))
                    for group in ElementTree.parse(path).iter(SVG + "g")}
        width = profile.flame.WIDTH
        self.assertEqual({"loop: 100.00 %": width, "a.b: 75.00 %": width * 0.75, "c: 25.00 %": width * 0.25}, bars)


class SumTest(unittest.TestCase):
    def test_gives_cpu_per_gigabyte_and_per_operation(self):
        bulk = {"work": "bulk", "bytes": 4_000_000_000, "operations": 1, "bits_per_second": 8e9, "failed": 0}
        self.assertEqual(figures(bulk, 6.0, 8.0)["agent_cpu_gb"], 1.5)
        self.assertEqual(figures(bulk, 6.0, 8.0)["machine_cpu_gb"], 2.0)
        latency = {"p50": 1, "p99": 2, "p99.9": 3, "max": 4}
        ping = {"work": "ping", "bytes": 1, "operations": 50_000, "operations_per_second": 9, "latency_us": latency, "failed": 0}
        self.assertEqual(figures(ping, 1.0, 2.0)["agent_cpu_op"], 20.0)
        self.assertIsNone(figures(ping, None, 2.0)["agent_cpu_op"])

    def test_counts_what_failed_beside(self):
        latency = {"p50": 1, "p99": 2, "p99.9": 3, "max": 4}
        ping = {"work": "ping", "bytes": 1, "operations": 5, "operations_per_second": 9, "latency_us": latency, "failed": 1}
        values = figures(ping, 1.0, 2.0, {"failed": 2, "bits_per_second": 3e9})
        self.assertEqual((3, 3.0, 2), (values["failed"], values["gbits_beside"], values["p99"]))

    def test_takes_the_median_and_half_the_spread(self):
        runs = [{"x": 8.0}, {"x": 10.0}, {"x": 14.0}, {"x": None}]
        self.assertEqual(report.median_of(runs, "x"), (10.0, 0.3))
        self.assertEqual(report.median_of(runs, "y"), (None, None))

    def results(self, **figures_of):
        results = {work.name: {peer: [] for peer in figures_of} for work in WORKS}
        results[WORKS[0].name] = {peer: [figures] for peer, figures in figures_of.items()}
        return results

    def test_tells_failures_and_ratios(self):
        results = self.results(direct={"gbits": 20.0, "failed": 0}, other={"gbits": 5.0, "failed": 2})
        self.assertEqual(report.failures(results, ["direct", "other"]), [("other", WORKS[0].name, 2)])
        nothing = {"direct": {}, "other": {}}
        text = report.markdown(results, nothing, nothing, ["direct", "other"], {"date": "today"})
        self.assertIn("| bulk, 1 connection | Gbit/s | 20 ±0% | 5 ±0% | 0.25 |", text)

    def test_tells_which_targets_are_reached(self):
        results = self.results(
            direct={"gbits": 20.0}, envoy={"gbits": 4.0, "agent_cpu_gb": 2.0}, culvert={"gbits": 6.0, "agent_cpu_gb": 1.3})
        self.assertEqual(
            list(report.targets(results, ["direct", "envoy", "culvert"])),
            [(WORKS[0].name, "Gbit/s", ">= 1.5 x envoy", "1.5", True),
             (WORKS[0].name, "both agents, CPU-s/GB", "<= 0.6 x envoy", "0.65", False)])
        self.assertEqual(list(report.targets(results, ["direct", "culvert"])), [])

    def test_tells_a_target_that_is_a_multiple_of_a_peers_own_other_work(self):
        alone = "ping-pong 256 B, 1 connection"
        results = {work.name: {"envoy": [], "culvert": []} for work in WORKS}
        results[alone + ", beside bulk"] = {"envoy": [{"p99": 9000}], "culvert": [{"p99": 800}]}
        self.assertEqual([], list(report.targets(results, ["envoy", "culvert"])))
        results[alone] = {"envoy": [], "culvert": [{"p99": 200}]}
        self.assertEqual(
            [(alone + ", beside bulk", "p99 us", "<= 3 x its own of " + alone, "4", False)],
            list(report.targets(results, ["envoy", "culvert"])))

    def test_tells_memory_and_start(self):
        megabytes = 1_000_000
        memory = {"direct": {}, "other": {
            "after load": [{"rss": 50 * megabytes, "pss": 40 * megabytes, "anonymous": 30 * megabytes}],
            "idle": [{"rss": 62 * megabytes, "pss": 52 * megabytes, "anonymous": 42 * megabytes}]}}
        rows = list(report.memory_rows(memory, {"direct": [], "other": [0.25]}, ["direct", "other"]))
        self.assertEqual([cells for _, _, cells in rows], [["-", "0.25"], ["-", "50/40/30"], ["-", "62/52/42"], ["-", "3.0"]])
        self.assertEqual(
            [(bound, now, reached) for *_, bound, now, reached in
             report.process_targets(memory, {"direct": [], "other": [0.25, 0.5]}, ["direct", "other"])],
            [("<= 64", "50", True), ("<= 3", "3", True), ("<= 0.4", "0.5", False)])

    def test_draws_bars_and_their_spread(self):
        results = self.results(direct={"gbits": 20.0}, culvert={"gbits": 5.0, "agent_cpu_gb": 1.5})
        picture = ElementTree.fromstring(plots.svg(results, ["direct", "culvert"], "a < b"))
        bars = [float(bar.get("width")) for bar in picture.iter("{http://www.w3.org/2000/svg}rect") if bar.get("width") != "100%"]
        self.assertEqual(bars, [plots.WIDEST, plots.WIDEST / 4, plots.WIDEST])

    def test_reads_what_a_server_hello_agrees_on(self):
        extensions = bytes.fromhex("002b00020304" "00330004001d0000")
        body = b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + b"\x13\x02\x00" + len(extensions).to_bytes(2, "big") + extensions
        record = b"\x02" + len(body).to_bytes(3, "big") + body
        data = b"\x16\x03\x03" + len(record).to_bytes(2, "big") + record
        self.assertEqual(hello.agreed(data), {"version": "TLS 1.3", "suite": "AES_256_GCM_SHA384", "group": "X25519"})
        self.assertIsNone(hello.agreed(data[:11] + hello.RETRY + data[43:]))
        self.assertIsNone(hello.agreed(b"\x17" + data[1:]))


if __name__ == "__main__":
    unittest.main()

"""Folders of demonstrations: the one of a process that was killed goes, all others stay."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import stale  # noqa: E402

OWNER = "import os, stale, sys, time; stale.own(sys.argv[1], os.getpid()); print('owned', flush=True); time.sleep(60)"


class SweepTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.parent = folder.name

    def folder(self, name, modified=None):
        path = os.path.join(self.parent, name)
        os.mkdir(path)
        with open(os.path.join(path, "signer.pem"), "w", encoding="ascii") as file:
            file.write("secret")
        if modified is not None:
            os.utime(path, (modified, modified))
        return path

    def left(self):
        stale.sweep(self.parent, "demo-")
        return sorted(os.listdir(self.parent))

    def test_the_folder_of_a_killed_process_goes(self):
        path = self.folder("demo-a")
        with subprocess.Popen([sys.executable, "-B", "-c", OWNER, path], cwd=HERE, stdout=subprocess.PIPE) as process:
            try:
                self.assertEqual(b"owned\n", process.stdout.readline())
                self.assertEqual(["demo-a"], self.left())
            finally:
                process.kill()
        self.assertEqual([], self.left())

    def test_a_number_that_is_used_again_is_another_process(self):
        path = self.folder("demo-a")
        stale.own(path, os.getpid())
        self.assertEqual(["demo-a"], self.left())
        stale.own(path, 1)
        self.assertEqual([], self.left())

    def test_a_folder_without_owner_goes_when_it_is_old(self):
        self.folder("demo-new")
        self.folder("demo-old", 1)
        self.assertEqual(["demo-new"], self.left())

    def test_other_folders_stay(self):
        self.folder("classes", 1)
        os.symlink(self.folder("elsewhere", 1), os.path.join(self.parent, "demo-link"))
        self.assertEqual(["classes", "demo-link", "elsewhere"], self.left())


if __name__ == "__main__":
    unittest.main()

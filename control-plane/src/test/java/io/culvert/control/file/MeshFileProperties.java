package io.culvert.control.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.workload.Workload;
import io.culvert.testkit.Gen;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class MeshFileProperties {
    private static void requireSound(byte[] bytes) {
        MeshFileParser.Result result = MeshFileParser.parse("mesh.yaml", bytes);
        switch (result) {
            case MeshFileParser.Result.Accepted accepted -> requireSound(accepted.mesh());
            case MeshFileParser.Result.Refused refused -> {
                assertFalse(refused.errors().isEmpty());
                assertTrue(refused.errors().size() <= MeshFileParser.ERRORS_MAX);
                refused.errors()
                        .forEach(e -> assertEquals(1, e.toString().lines().count()));
            }
        }
        assertEquals(result, MeshFileParser.parse("mesh.yaml", bytes));
    }

    private static void requireSound(MeshFile mesh) {
        HashSet<Object> uids = new HashSet<>();
        for (Workload workload : mesh.workloads()) {
            assertTrue(uids.add(workload.uid()));
            assertFalse(workload.identity().uri().isEmpty());
            workload.authorizationPolicies()
                    .forEach(key -> assertTrue(
                            mesh.policies().stream().anyMatch(p -> p.key().equals(key)), key::toString));
            workload.services()
                    .keySet()
                    .forEach(key -> assertTrue(
                            mesh.services().stream().anyMatch(s -> s.key().equals(key)), key::toString));
        }
        mesh.localPods()
                .forEach(pod ->
                        assertTrue(uids.contains(pod.workload()) && pod.netns().isAbsolute()));
    }

    @Test
    void damagedFilesNeverThrow_andWhatIsAcceptedIsSound() {
        byte[] example = MeshFiles.documented().getBytes(UTF_8);
        Gen.forAll(1_500, gen -> requireSound(gen.mutate(example)));
    }

    @Test
    void anyTextNeverThrows() {
        Gen.forAll(1_500, gen -> requireSound(gen.oneIn(2) ? gen.utf8(200) : gen.bytes(200)));
        Gen.forAll(
                1_500,
                gen -> requireSound(
                        gen.text(" \n-:?[]{},&*!|>'\"%@`#~ab0\t", 200).getBytes(UTF_8)));
    }

    @Test
    void anyEscapeNeverThrows() {
        Gen.forAll(
                1_500,
                gen -> requireSound(
                        ("workloads: \"\\" + gen.pick(List.of("x", "u", "U")) + gen.text("0189afF\\\"", 12) + "\"")
                                .getBytes(UTF_8)));
    }

    @Test
    void linesInAnotherOrderOrMissingNeverThrow() {
        List<String> lines = MeshFiles.documented().lines().toList();
        Gen.forAll(1_000, gen -> {
            List<String> changed = new ArrayList<>(lines);
            for (int n = gen.intBetween(1, 5); n > 0; n--) {
                int at = gen.intBetween(0, changed.size() - 1);
                switch (gen.intBetween(0, 3)) {
                    case 0 -> changed.remove(at);
                    case 1 -> changed.add(at, gen.pick(lines));
                    case 2 -> changed.set(at, "  " + changed.get(at));
                    default -> Collections.swap(changed, at, gen.intBetween(0, changed.size() - 1));
                }
            }
            requireSound(String.join("\n", changed).getBytes(UTF_8));
        });
    }

    @Test
    void everyPrefixOfAFileNeverThrows() {
        byte[] example = MeshFiles.documented().getBytes(UTF_8);
        for (int length = 0; length < example.length; length += 13) {
            requireSound(Arrays.copyOf(example, length));
        }
    }

    @Test
    void valuesOfAnyKindInAnyPlaceNeverThrow() {
        String example = MeshFiles.documented();
        List<String> values = List.of(
                "[]",
                "{}",
                "~",
                "''",
                "-1",
                "99999999999",
                "true",
                "[[]]",
                "{a: {b: c}}",
                "\"\\0\"",
                "*",
                "\"\\U99999999\"",
                "\"\\U0010ffff\"",
                "\"\\ud800\"",
                "\"\\xzz\"");
        List<String> lines = example.lines().toList();
        Gen.forAll(1_500, gen -> {
            List<String> changed = new ArrayList<>(lines);
            int at = gen.intBetween(0, lines.size() - 1);
            String line = lines.get(at);
            int colon = line.indexOf(": ");
            if (colon > 0) {
                changed.set(at, line.substring(0, colon + 2) + gen.pick(values));
            }
            requireSound(String.join("\n", changed).getBytes(UTF_8));
        });
    }
}

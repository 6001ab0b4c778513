package io.culvert.systemtests.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The direction in which modules and packages use each other. A package that is not named here fails: give it its place. */
class PackageRulesTest {
    private static final String ROOT = "io.culvert.";
    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("io.culvert");

    /** Which modules a module's code may name; itself always. */
    private static final Map<String, Set<String>> MODULES = Map.of(
            "protocol", Set.of(),
            "shim", Set.of(),
            "cni", Set.of("protocol", "shim"),
            "control", Set.of("protocol"),
            "agent", Set.of("protocol", "shim", "cni", "control"),
            "cli", Set.of(),
            "testkit", Set.of());

    /** Which packages of the agent a package of the agent may name; itself always. */
    private static final Map<String, Set<String>> AGENT = agentPackages();

    private static Map<String, Set<String>> agentPackages() {
        Set<String> common = Set.of("base", "config", "telemetry");
        return Map.ofEntries(
                Map.entry("base", Set.of()),
                Map.entry("config", Set.of("base")),
                Map.entry("telemetry", Set.of("base", "config")),
                Map.entry("mesh", common),
                Map.entry("route", with(common, "mesh")),
                Map.entry("relay", common),
                Map.entry("tls", common),
                Map.entry("certs", with(common, "tls")),
                Map.entry("grpc", with(common, "tls")),
                Map.entry("ca", with(common, "certs", "grpc")),
                Map.entry("hbone", with(common, "certs", "relay", "tls")),
                Map.entry("resolve", common),
                Map.entry("proxy", with(common, "route", "resolve", "hbone", "relay", "certs", "mesh")),
                Map.entry("pods", with(common, "proxy", "certs")),
                Map.entry("dns", with(common, "mesh", "relay", "proxy")),
                Map.entry("xds", with(common, "mesh", "grpc")),
                Map.entry("zds", with(common, "proxy", "pods")),
                Map.entry("admin", with(common, "mesh", "certs", "hbone", "proxy", "dns", "xds", "zds")));
    }

    private static Set<String> with(Set<String> some, String... more) {
        Set<String> all = new TreeSet<>(some);
        all.addAll(List.of(more));
        return all;
    }

    private static String within(String prefix, JavaClass type) {
        String name = type.getPackageName();
        String rest = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
        return rest.contains(".") ? rest.substring(0, rest.indexOf('.')) : rest;
    }

    private static ArchRule onlyUses(String prefix, String part, Set<String> allowed) {
        DescribedPredicate<JavaClass> elsewhere =
                DescribedPredicate.describe("in parts other than " + allowed, used -> {
                    String name = within(prefix, used);
                    return !name.isEmpty() && !name.equals(part) && !allowed.contains(name);
                });
        return noClasses()
                .that()
                .resideInAPackage(prefix + part + "..")
                .should()
                .dependOnClassesThat(elsewhere)
                .allowEmptyShould(true);
    }

    @TestFactory
    Stream<DynamicTest> moduleNamesOnlyWhatItMay() {
        return MODULES.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(
                        e.getKey(),
                        () -> onlyUses(ROOT, e.getKey(), e.getValue()).check(CODE)));
    }

    @TestFactory
    Stream<DynamicTest> agentPackageNamesOnlyWhatItMay() {
        return AGENT.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(
                        e.getKey(),
                        () -> onlyUses(ROOT + "agent.", e.getKey(), e.getValue())
                                .check(CODE)));
    }

    @Test
    void everyPackageHasItsPlace() {
        Set<String> unplaced = new TreeSet<>();
        for (JavaClass type : CODE) {
            String module = within(ROOT, type);
            String part = within(ROOT + "agent.", type);
            if (!MODULES.containsKey(module)) {
                unplaced.add(type.getPackageName());
            } else if (!part.isEmpty() && !AGENT.containsKey(part)) {
                unplaced.add(type.getPackageName());
            }
        }
        assertEquals(Set.of(), unplaced, "give these a line in this test and in ARCHITECTURE.md");
    }

    @Test
    void onlyTheRootPackageOfTheAgentSeesTheModulesBesideTheDataPath() {
        noClasses()
                .that()
                .resideInAPackage("io.culvert.agent.(*)..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.culvert.cni..", "io.culvert.control..")
                .check(CODE);
    }

    @Test
    void routingSeesTheSnapshotOfTheMesh_neverItsStore() {
        noClasses()
                .that()
                .resideInAPackage("io.culvert.agent.route..")
                .should()
                .dependOnClassesThat()
                .haveSimpleName("MeshStore")
                .allowEmptyShould(true)
                .check(CODE);
    }

    /** Packages and classes that compute and nothing else. */
    private static final List<String> PURE = List.of(
            "io\\.culvert\\.protocol\\..*",
            "io\\.culvert\\.agent\\.route\\..*",
            "io\\.culvert\\.agent\\.relay\\.RelayState(\\$.*)?",
            "io\\.culvert\\.cni\\.redirect\\.(RedirectRules|RedirectDiff|RedirectSpec|SavedRules)(\\$.*)?");

    @TestFactory
    Stream<DynamicTest> pureCodeTouchesNoSocketThreadClockOrChance() {
        DescribedPredicate<JavaClass> effect =
                DescribedPredicate.describe("that act on the world", PackageRulesTest::acts);
        return PURE.stream()
                .map(pattern -> DynamicTest.dynamicTest(
                        pattern,
                        () -> noClasses()
                                .that()
                                .haveNameMatching(pattern)
                                .should()
                                .dependOnClassesThat(effect)
                                .allowEmptyShould(true)
                                .check(CODE)));
    }

    private static boolean acts(JavaClass type) {
        String name = type.getName();
        boolean socket = name.matches("java\\.net\\..*(Socket|Channel|URLConnection|HttpClient).*")
                || name.startsWith("java.nio.channels.");
        boolean file = name.startsWith("java.nio.file.") || name.matches("java\\.io\\.(File|RandomAccess).*");
        boolean thread = name.startsWith("java.util.concurrent.")
                || name.matches("java\\.lang\\.(Thread|Process|Runtime)(\\$.*)?");
        boolean clock = name.matches("java\\.time\\.(Clock|InstantSource)");
        boolean chance = name.matches("java\\.util\\.(Random|SplittableRandom)|java\\.security\\.SecureRandom");
        boolean log = name.startsWith("java.util.logging.") || name.equals("java.lang.System$Logger");
        return socket
                || file
                || thread
                || clock
                || chance
                || log
                || name.startsWith("io.netty.")
                || name.startsWith("jnr.");
    }

    @Test
    void onlyTheShimTouchesNativeCode() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.culvert.shim..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jnr..", "com.kenai.jffi..", "java.lang.foreign..")
                .check(CODE);
    }

    @Test
    void packagesOfTheAgentHaveNoCycles() {
        slices().matching("io.culvert.agent.(*)..")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CODE);
    }

    @Test
    void packagesOfTheProtocolHaveNoCycles() {
        slices().matching("io.culvert.protocol.(*)..")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CODE);
    }

    @Test
    void namesSayTheJob() {
        classes().that().areTopLevelClasses().should(new NameSaysSomething()).check(CODE);
    }

    /** Suffixes that are a sign that a class has no job yet. */
    private static final class NameSaysSomething extends com.tngtech.archunit.lang.ArchCondition<JavaClass> {
        NameSaysSomething() {
            super("not end in a word that says nothing");
        }

        @Override
        public void check(JavaClass type, com.tngtech.archunit.lang.ConditionEvents events) {
            if (type.getSimpleName().matches(".+(Manager|Helper|Helpers|Util|Utils|Impl|Base)|Abstract.+")) {
                events.add(com.tngtech.archunit.lang.SimpleConditionEvent.violated(type, type.getName()));
            }
        }
    }

    @Test
    void rulesSeeTheCodeOfEveryModule_andFindABreach() {
        Set<String> modules = new TreeSet<>();
        CODE.forEach(type -> modules.add(within(ROOT, type)));
        List<String> wanted = new ArrayList<>(List.of("agent", "cni", "protocol", "shim", "testkit"));
        assertTrue(modules.containsAll(wanted), modules.toString());
        ArchRule tooStrict = onlyUses(ROOT + "agent.", "telemetry", Set.of());
        assertThrows(AssertionError.class, () -> tooStrict.check(CODE));
    }
}

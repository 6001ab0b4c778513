package io.culvert.systemtests.ambient;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A lab for the tests of a class, or one that several classes share. After each test the agents must be untroubled; when one
 * fails, their logs are printed.
 */
public final class AmbientExtension implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
    private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create(AmbientExtension.class);

    private final AmbientLab.Builder plan;
    private final boolean shared;
    private @Nullable AmbientLab lab;

    private AmbientExtension(AmbientLab.Builder plan, boolean shared) {
        this.plan = plan;
        this.shared = shared;
    }

    /** A lab of the class's own. */
    public static AmbientExtension own(AmbientLab.Builder plan) {
        return new AmbientExtension(plan, false);
    }

    /** The lab that lives as long as the test run: {@code client}, {@code near} and {@code gate} on node one, {@code server},
     * {@code other} and {@code waypoint} on node two, and {@code legacy} on each of them that nobody captures. */
    public static AmbientExtension shared() {
        return new AmbientExtension(
                AmbientLab.builder()
                        .pod("client", "one")
                        .pod("near", "one")
                        .pod("gate", "one")
                        .pod("server", "two")
                        .pod("other", "two")
                        .pod("waypoint", "two")
                        .legacyPod("legacy-one", "one")
                        .legacyPod("legacy-two", "two"),
                true);
    }

    /** The lab. */
    public AmbientLab lab() {
        AmbientLab running = lab;
        if (running == null) {
            throw new IllegalStateException("the lab runs while the class's tests run");
        }
        return running;
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        lab = shared
                ? context.getRoot().getStore(SPACE).computeIfAbsent("shared", none -> plan.start(), AmbientLab.class)
                : plan.start();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (context.getExecutionException().isPresent()) {
            lab().printLogs();
            return;
        }
        try {
            lab().expectNoTrouble();
        } catch (AssertionError e) {
            lab().printLogs();
            throw e;
        }
    }

    @Override
    public void afterAll(ExtensionContext context) {
        AmbientLab running = lab;
        if (running != null && !shared) {
            running.close();
        }
    }
}

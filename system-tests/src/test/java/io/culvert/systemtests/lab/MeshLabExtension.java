package io.culvert.systemtests.lab;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * One lab for all tests of a class. After each test the agents must be idle and untroubled; when one fails, their logs are
 * printed.
 */
public final class MeshLabExtension implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
    private final MeshLab.Builder plan;
    private @Nullable MeshLab lab;

    /** A lab to be started before the first test. */
    public MeshLabExtension(MeshLab.Builder plan) {
        this.plan = plan;
    }

    /** The lab. */
    public MeshLab lab() {
        MeshLab running = lab;
        if (running == null) {
            throw new IllegalStateException("the lab runs while the class's tests run");
        }
        return running;
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        lab = plan.start();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (context.getExecutionException().isPresent()) {
            lab().printLogs();
        } else {
            lab().verify();
        }
    }

    @Override
    public void afterAll(ExtensionContext context) {
        MeshLab running = lab;
        if (running != null) {
            running.close();
        }
    }
}

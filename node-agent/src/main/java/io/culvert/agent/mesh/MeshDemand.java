package io.culvert.agent.mesh;

/**
 * Has the control plane asked for what a snapshot does not know, where it tells only what it is asked for.
 *
 * <p>Names are those of the workload API: {@code network/ip}, or {@code namespace/hostname}.
 *
 * <p>Runs on: any; nothing here blocks or locks.
 */
public interface MeshDemand {
    /** Where snapshots hold everything. */
    MeshDemand NONE = new MeshDemand() {
        @Override
        public boolean isActive() {
            return false;
        }

        @Override
        public boolean isAbsent(String name) {
            return true;
        }

        @Override
        public Runnable ask(String name, Runnable then) {
            then.run();
            return () -> {};
        }
    };

    /** Whether anybody has to be asked at all. */
    boolean isActive();

    /** Whether the control plane said that there is no such thing, and would have told since. */
    boolean isAbsent(String name);

    /**
     * Asks for one resource. The task runs once, on any thread, when a snapshot with the answer is published or there will be no
     * answer. The caller bounds its own patience, and runs what this returns when it is over.
     */
    Runnable ask(String name, Runnable then);
}

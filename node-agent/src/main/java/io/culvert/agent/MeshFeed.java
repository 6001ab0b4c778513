package io.culvert.agent;

import io.culvert.agent.admin.MeshFileView;
import io.culvert.agent.mesh.MeshDemand;
import org.jspecify.annotations.Nullable;

/** Where the mesh is learnt from; it publishes snapshots as their one writer. */
interface MeshFeed extends AutoCloseable {
    void start();

    /** The mesh file, null where there is none. */
    @Nullable
    MeshFileView file();

    /** How it is asked for what it does not tell by itself. */
    default MeshDemand demand() {
        return MeshDemand.NONE;
    }

    @Override
    void close();
}

package io.culvert.agent;

import io.culvert.agent.admin.MeshFileView;
import org.jspecify.annotations.Nullable;

/** Where the mesh is learnt from; it publishes snapshots as their one writer. */
interface MeshFeed extends AutoCloseable {
    void start();

    /** The mesh file, null where there is none. */
    @Nullable
    MeshFileView file();

    @Override
    void close();
}

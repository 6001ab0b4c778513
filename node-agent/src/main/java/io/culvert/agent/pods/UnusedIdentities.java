package io.culvert.agent.pods;

import io.culvert.agent.certs.CertificateStore;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.protocol.identity.SpiffeId;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Forgets the certificates of identities that no wanted pod has any more, where nobody but the pods says which are needed.
 *
 * <p>Runs on: one control thread.
 */
public final class UnusedIdentities implements Consumer<List<PodIdentity>> {
    private final CertificateStore certificates;
    private final Function<PodIdentity, @Nullable SpiffeId> identities;

    /** @param identities under which identity a pod is served; null while the mesh does not know it */
    public UnusedIdentities(CertificateStore certificates, Function<PodIdentity, @Nullable SpiffeId> identities) {
        this.certificates = certificates;
        this.identities = identities;
    }

    @Override
    public void accept(List<PodIdentity> wanted) {
        certificates.retain(id -> wanted.stream().anyMatch(pod -> isOf(id, pod)));
    }

    /** What the mesh knows of the pod decides; before it knows, any trust domain may turn out to be the pod's. */
    private boolean isOf(SpiffeId id, PodIdentity pod) {
        SpiffeId known = identities.apply(pod);
        return known != null
                ? known.equals(id)
                : pod.namespace().equals(id.namespace()) && pod.serviceAccount().equals(id.serviceAccount());
    }
}

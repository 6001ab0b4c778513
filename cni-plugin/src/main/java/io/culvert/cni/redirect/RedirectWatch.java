package io.culvert.cni.redirect;

import io.culvert.cni.redirect.RedirectException.Code;
import io.culvert.shim.NetnsWatch;
import io.culvert.shim.ShimException;

/**
 * Tells when somebody may have changed a namespace's redirect rules or their route, us included; whether they are still right says
 * {@link RedirectApplier#check}.
 *
 * <p>Runs on: one control thread; no call waits. Owns: two sockets in the namespace, which keep it alive until {@link #close}.
 * Bounds: see {@link NetnsWatch}. Errors: after a {@link RedirectException} it may have missed something.
 */
public final class RedirectWatch implements AutoCloseable {
    private final NetnsWatch watch;
    private long known;

    RedirectWatch(NetnsWatch watch) throws RedirectException {
        this.watch = watch;
        try {
            this.known = watch.digest();
        } catch (ShimException e) {
            watch.close();
            throw failure(e);
        }
    }

    /** Whether {@link #noticed} misses nothing; if not, rules have to be {@link #compared} from time to time. */
    public boolean isTold() {
        return watch.isTold();
    }

    /** Whether the kernel told of a change since this was asked last. */
    public boolean noticed() throws RedirectException {
        try {
            return watch.drain();
        } catch (ShimException e) {
            throw failure(e);
        }
    }

    /** Whether the rules are others than when this was asked last; never where the kernel tells. Costs more than a notice. */
    public boolean compared() throws RedirectException {
        try {
            long before = known;
            known = watch.digest();
            return known != before;
        } catch (ShimException e) {
            throw failure(e);
        }
    }

    static RedirectException failure(ShimException e) {
        return new RedirectException(Code.NOT_WATCHED, "redirect rules cannot be watched: " + e.getMessage());
    }

    @Override
    public void close() {
        watch.close();
    }
}

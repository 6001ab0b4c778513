package io.culvert.cni.redirect;

import java.util.List;

/** Whether a pod's traffic is captured. */
public sealed interface RedirectStatus {
    /** Every rule and route is as it should be. */
    record Captured() implements RedirectStatus {}

    /** There is nothing of ours in the namespace. */
    record NotCaptured() implements RedirectStatus {}

    /** Something is there, but not what should be. */
    record Partial(List<String> reasons) implements RedirectStatus {
        /** Copies the reasons. */
        public Partial {
            reasons = List.copyOf(reasons);
        }
    }
}

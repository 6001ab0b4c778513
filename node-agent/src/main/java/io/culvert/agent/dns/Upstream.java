package io.culvert.agent.dns;

/**
 * Whoever answers what the mesh does not know.
 *
 * <p>Runs on: its loop. Bounds: each query is answered or given up within a time.
 */
interface Upstream {
    /** Told once, unless the query is cancelled. */
    interface Listener {
        /** The answer, byte for byte, under the id of the request. */
        void onAnswer(byte[] response);

        /** There is none. */
        void onFailure(String why);
    }

    /**
     * Passes a request on, byte for byte but for its id. The listener may be told before this returns.
     *
     * @param request a header at least
     * @return cancels without a further word
     */
    Runnable ask(byte[] request, DnsProtocol protocol, Listener listener);
}

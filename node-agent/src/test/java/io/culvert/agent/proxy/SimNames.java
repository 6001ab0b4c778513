package io.culvert.agent.proxy;

import io.culvert.agent.resolve.Lookup;
import io.culvert.protocol.net.IpAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Hostnames that the test knows, answered at once. */
final class SimNames implements Lookup {
    private final Map<String, List<IpAddress>> known = new HashMap<>();

    void put(String hostname, List<IpAddress> addresses) {
        known.put(hostname, addresses);
    }

    @Override
    public void execute(Runnable task) {
        task.run();
    }

    @Override
    public void ask(String hostname, Listener listener) {
        List<IpAddress> addresses = known.get(hostname);
        listener.onAnswer(
                addresses == null
                        ? new Answer.Failed("nobody knows it")
                        : new Answer.Found(addresses, Duration.ofSeconds(30)));
    }
}

package io.culvert.agent.resolve;

import io.culvert.protocol.net.IpAddress;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DnsRawRecord;
import io.netty.handler.codec.dns.DnsRecord;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.resolver.dns.DnsNameResolver;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsNameResolverChannelStrategy;
import io.netty.resolver.dns.DnsServerAddressStreamProvider;
import io.netty.resolver.dns.NoopAuthoritativeDnsServerCache;
import io.netty.resolver.dns.NoopDnsCache;
import io.netty.resolver.dns.NoopDnsCnameCache;
import io.netty.resolver.dns.SequentialDnsServerAddressStreamProvider;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Asks as the agent's own system does: its hosts file and its {@code resolv.conf}, from its own network namespace, A and AAAA at
 * once, over TCP where an answer is cut off.
 *
 * <p>Runs on: a thread of its own, {@code ctl-resolve}. Owns: that thread and its sockets; each question has sockets of its own.
 */
public final class SystemLookup implements Lookup, AutoCloseable {
    private static final int QUERIES_MAX = 8;

    private final MultiThreadIoEventLoopGroup group;
    private final EventLoop thread;
    private final boolean ipv6;
    private final @Nullable DnsServerAddressStreamProvider servers;
    private @Nullable DnsNameResolver resolver;

    /** @param ipv6 whether IPv6 addresses are of use */
    public SystemLookup(boolean ipv6) {
        this(ipv6, null);
    }

    /** @param servers whom to ask; null for the system's own */
    SystemLookup(boolean ipv6, @Nullable DnsServerAddressStreamProvider servers) {
        this.ipv6 = ipv6;
        this.servers = servers;
        this.group = new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name("ctl-resolve").factory(), EpollIoHandler.newFactory());
        this.thread = group.next();
    }

    @Override
    public void execute(Runnable task) {
        thread.execute(task);
    }

    @Override
    public void ask(String hostname, Listener listener) {
        Question question = new Question(hostname, listener);
        question.ask(DnsRecordType.A);
        if (ipv6) {
            question.ask(DnsRecordType.AAAA);
        }
    }

    private DnsNameResolver resolver() {
        DnsNameResolver held = resolver;
        if (held == null) {
            DnsNameResolverBuilder builder = new DnsNameResolverBuilder(thread)
                    .datagramChannelType(EpollDatagramChannel.class)
                    .socketChannelType(EpollSocketChannel.class)
                    .datagramChannelStrategy(DnsNameResolverChannelStrategy.ChannelPerResolution)
                    .maxQueriesPerResolve(QUERIES_MAX)
                    .resolveCache(NoopDnsCache.INSTANCE)
                    .cnameCache(NoopDnsCnameCache.INSTANCE)
                    .authoritativeDnsServerCache(NoopAuthoritativeDnsServerCache.INSTANCE);
            if (servers != null) {
                builder.nameServerProvider(servers);
            }
            held = builder.build();
            resolver = held;
        }
        return held;
    }

    @Override
    public void close() {
        Future<?> _ = group.shutdownGracefully(0, 2, TimeUnit.SECONDS);
    }

    /** One name, asked for in every family. */
    private final class Question {
        private final String hostname;
        private final Listener listener;
        private final List<IpAddress> addresses = new ArrayList<>();
        private long validForSeconds = Long.MAX_VALUE;
        private int open = ipv6 ? 2 : 1;
        private String whyNot = "no name server knows an address of it";

        Question(String hostname, Listener listener) {
            this.hostname = hostname;
            this.listener = listener;
        }

        void ask(DnsRecordType type) {
            try {
                Future<List<DnsRecord>> _ = resolver()
                        .resolveAll(new DefaultDnsQuestion(hostname, type))
                        .addListener((Future<List<DnsRecord>> answered) -> take(answered));
            } catch (IllegalArgumentException e) {
                fail("it is no hostname: " + e.getMessage());
            }
        }

        private void take(Future<List<DnsRecord>> answered) {
            if (!answered.isSuccess()) {
                fail(String.valueOf(answered.cause().getMessage()));
                return;
            }
            for (DnsRecord each : answered.getNow()) {
                add(each);
                ReferenceCountUtil.release(each);
            }
            done();
        }

        private void add(DnsRecord found) {
            boolean address =
                    found.type().equals(DnsRecordType.A) || found.type().equals(DnsRecordType.AAAA);
            if (address && found instanceof DnsRawRecord raw) {
                ByteBuf content = raw.content();
                int length = content.readableBytes();
                if (length == (found.type().equals(DnsRecordType.A) ? 4 : 16)) {
                    byte[] bytes = new byte[length];
                    content.getBytes(content.readerIndex(), bytes);
                    addresses.add(IpAddress.ofBytes(bytes));
                    validForSeconds = Math.min(validForSeconds, found.timeToLive());
                }
            }
        }

        private void fail(String why) {
            whyNot = why;
            done();
        }

        private void done() {
            open--;
            if (open == 0) {
                listener.onAnswer(
                        addresses.isEmpty()
                                ? new Answer.Failed(whyNot)
                                : new Answer.Found(addresses, Duration.ofSeconds(validForSeconds)));
            }
        }
    }

    /** Asks these servers, in this order. */
    static SystemLookup of(List<InetSocketAddress> servers) {
        return new SystemLookup(true, new SequentialDnsServerAddressStreamProvider(servers));
    }
}

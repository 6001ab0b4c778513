package io.culvert.shim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.AttributeKey;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Netty's epoll channels around descriptors that the shim made. */
final class EpollPeer implements AutoCloseable {
    /** Kept beside the pipeline, which a closed channel no longer has. */
    private static final AttributeKey<Talker> TALKER = AttributeKey.valueOf(Talker.class, "talker");

    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());

    /** One connection: collects what it reads until the peer's end, then answers with what it was told to. */
    static final class Talker extends ChannelInboundHandlerAdapter {
        final CompletableFuture<String> heard = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private final @Nullable String answer;

        Talker(@Nullable String answer) {
            this.answer = answer;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            text.append(bytes.toString(StandardCharsets.UTF_8));
            bytes.release();
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event != ChannelInputShutdownEvent.INSTANCE) {
                return;
            }
            heard.complete(text.toString());
            if (answer != null) {
                var _ = context.writeAndFlush(utf8(answer)).addListener(ChannelFutureListener.CLOSE);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            heard.completeExceptionally(cause);
            var _ = context.close();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            heard.completeExceptionally(new IllegalStateException("closed before the end, having said: " + text));
        }
    }

    /** Adopts a listener; each accepted connection is talked to and queued. */
    BlockingQueue<EpollSocketChannel> serve(int listenerFd, String answer) throws Exception {
        BlockingQueue<EpollSocketChannel> accepted = new LinkedBlockingQueue<>();
        EpollServerSocketChannel server = new EpollServerSocketChannel(listenerFd);
        server.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                EpollSocketChannel child = (EpollSocketChannel) message;
                var _ = register(child, answer);
                accepted.add(child);
            }
        });
        loop.register(server).sync();
        return accepted;
    }

    /** Adopts a connected (or connecting) socket. */
    EpollSocketChannel adopt(int fd) throws Exception {
        EpollSocketChannel channel = new EpollSocketChannel(fd);
        register(channel, null).sync();
        return channel;
    }

    private ChannelFuture register(EpollSocketChannel channel, @Nullable String answer) {
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        Talker talker = new Talker(answer);
        channel.attr(TALKER).set(talker);
        channel.pipeline().addLast(talker);
        return loop.register(channel);
    }

    /** Says something, ends its own direction, and returns what the other side said until its end. */
    static String converse(EpollSocketChannel client, String words) throws Exception {
        client.writeAndFlush(utf8(words)).sync();
        client.shutdownOutput().sync();
        return heard(client);
    }

    static String heard(Channel channel) throws Exception {
        return channel.attr(TALKER).get().heard.get(10, TimeUnit.SECONDS);
    }

    static EpollSocketChannel take(BlockingQueue<EpollSocketChannel> accepted) throws InterruptedException {
        EpollSocketChannel child = accepted.poll(10, TimeUnit.SECONDS);
        if (child == null) {
            throw new AssertionError("nothing was accepted");
        }
        return child;
    }

    static String remote(EpollSocketChannel channel) {
        return channel.remoteAddress().getAddress().getHostAddress();
    }

    private static ByteBuf utf8(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
}

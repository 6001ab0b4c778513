package io.culvert.systemtests.ambient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.util.HexFormat;

/** A client in a pod that asks its agent by SOCKS5: Java's own, or byte by byte. */
final class SocksClient {
    private static final int PORT = 15_080;
    private static final int TIME_MILLIS_MAX = 15_000;

    private SocksClient() {}

    private static InetSocketAddress agent() {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), PORT);
    }

    /** Has bytes returned by whoever is there, then ends in good order. */
    static void both(Netns pod, InetSocketAddress to, byte[] bytes) {
        byte[] returned = NamespaceThread.call(pod, () -> {
            try (Socket socket = new Socket(new Proxy(Proxy.Type.SOCKS, agent()))) {
                socket.setSoTimeout(TIME_MILLIS_MAX);
                socket.connect(to, TIME_MILLIS_MAX);
                socket.getOutputStream().write(bytes);
                byte[] read = socket.getInputStream().readNBytes(bytes.length);
                socket.shutdownOutput();
                assertEquals(-1, socket.getInputStream().read());
                return read;
            }
        });
        assertArrayEquals(bytes, returned);
    }

    /** All that is answered to these bytes, to the end or a reset, in hex. */
    static String answer(Netns pod, String hex) {
        return NamespaceThread.call(pod, () -> {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(TIME_MILLIS_MAX);
                socket.connect(agent(), TIME_MILLIS_MAX);
                socket.getOutputStream().write(HexFormat.of().parseHex(hex));
                StringBuilder heard = new StringBuilder();
                try {
                    for (int next = socket.getInputStream().read();
                            next >= 0;
                            next = socket.getInputStream().read()) {
                        heard.append(HexFormat.of().toHexDigits((byte) next));
                    }
                    return heard.toString();
                } catch (IOException reset) {
                    return heard + " reset";
                }
            }
        });
    }
}

package io.culvert.perf;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** A program that relays TCP and spoils it: {@code LISTEN-PORT TARGET-ADDRESS TARGET-PORT request|answer AT-BYTE}. */
final class CorruptingRelay {
    private CorruptingRelay() {}

    /** Relays until it is killed. */
    static void main(String[] args) throws IOException {
        long at = Long.parseLong(args[4]);
        boolean request = args[3].equals("request");
        try (ServerSocket listener = new ServerSocket(Integer.parseInt(args[0]))) {
            System.out.println("relaying");
            while (true) {
                Socket downstream = listener.accept();
                Socket upstream = new Socket(InetAddress.getByName(args[1]), Integer.parseInt(args[2]));
                copy(downstream, upstream, request ? at : Long.MAX_VALUE);
                copy(upstream, downstream, request ? Long.MAX_VALUE : at);
            }
        }
    }

    private static void copy(Socket from, Socket to, long at) {
        Thread.ofPlatform().daemon().start(() -> {
            byte[] buffer = new byte[8192];
            long passed = 0;
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    if (at >= passed && at < passed + n) {
                        buffer[(int) (at - passed)] ^= 1;
                    }
                    passed += n;
                    out.write(buffer, 0, n);
                }
                to.shutdownOutput();
            } catch (IOException e) {
                System.out.println("relay ended: " + e.getMessage());
            }
        });
    }
}

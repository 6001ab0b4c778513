package io.culvert.shim;

/**
 * The C functions as jnr-ffi binds them; public only because the generated binding is defined by another class loader.
 *
 * <p>Pointers are {@code long} addresses. Each function returns what its header in {@code src/main/c} says: -errno or &gt;= 0.
 */
public interface NativeCalls {
    int culvert_errno_abi();

    int culvert_errno_value(String name);

    String culvert_errno_step(int step);

    int culvert_netns_open(String path, long id);

    int culvert_netns_current(long id);

    int culvert_netns_adopt(int fd, long id);

    int culvert_netns_visit(int homeFd, int podFd);

    int culvert_socket_listen(long request);

    int culvert_socket_datagram(long request);

    long culvert_socket_connect(long request);

    int culvert_socket_tune(int fd, long request);

    int culvert_socket_mark(int fd, int mark);

    int culvert_socket_error(int fd);

    int culvert_socket_traits(int fd);

    int culvert_socket_original(int fd, long out);

    int culvert_socket_local(int fd, long out);

    int culvert_socket_probe_mark(int mark);

    int culvert_socket_probe_transparent();

    int culvert_splice_open(int bytes, long out);

    long culvert_splice_move(int in, int out, int bytes, int flags);

    int culvert_tls_attach(int fd);

    int culvert_tls_send_keys(int fd, long keys);

    int culvert_tls_receive_keys(int fd, long keys);

    int culvert_tls_send(int fd, int type, long bytes, int length);

    int culvert_tls_send_ahead(int fd, long bytes, int length);

    long culvert_tls_receive(int fd, long bytes, int capacity);

    int culvert_tls_unsent(int fd);

    int culvert_tls_probe(int cipher);

    int culvert_watch_open(long request, int kind);

    int culvert_watch_drain(int fd, int routeTable);

    long culvert_watch_digest(int fd, int tables);

    int culvert_fdpass_close(int fd);

    int culvert_fdpass_shutdown(int fd);

    int culvert_fdpass_listen(String path, int backlog, int mode);

    int culvert_fdpass_accept(int fd, int timeoutMillis);

    int culvert_fdpass_connect(String path);

    int culvert_fdpass_send(int fd, long bytes, int length, int passed, int timeoutMillis);

    int culvert_fdpass_receive(int fd, long bytes, int capacity, long passed, int timeoutMillis);
}

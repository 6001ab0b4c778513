package io.culvert.agent.dns;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * The servers of a {@code resolv.conf} as it is now.
 *
 * <p>Runs on: {@link #reload} on a control thread, {@link #current} on any. Bounds: {@link #FILE_BYTES_MAX} are read. Errors: a
 * file that cannot be read changes nothing.
 */
public final class NameServers {
    private static final System.Logger LOG = System.getLogger(NameServers.class.getName());
    private static final int FILE_BYTES_MAX = 64 * 1024;

    private final Path file;
    private volatile ResolvConf current = ResolvConf.EMPTY;
    private String lastProblem = "";

    private NameServers(Path file) {
        this.file = file;
    }

    /** Reads the file; an absent one has no servers, until it is there. */
    public static NameServers read(Path file) {
        NameServers servers = new NameServers(file);
        servers.reload();
        return servers;
    }

    /** What was read last. */
    public ResolvConf current() {
        return current;
    }

    /** Reads the file again. */
    public void reload() {
        try (InputStream in = Files.newInputStream(file)) {
            ResolvConf read = ResolvConf.parse(new String(in.readNBytes(FILE_BYTES_MAX), StandardCharsets.ISO_8859_1));
            lastProblem = "";
            if (!read.equals(current)) {
                current = read;
                LOG.log(
                        System.Logger.Level.INFO,
                        () -> "DNS queries are passed on to "
                                + (read.servers().isEmpty()
                                        ? "nobody: " + file + " names no server"
                                        : read.servers().stream()
                                                .map(Object::toString)
                                                .collect(Collectors.joining(", "))));
            }
        } catch (NoSuchFileException e) {
            report(file + " does not exist");
        } catch (IOException e) {
            report(String.valueOf(e));
        }
    }

    private void report(String problem) {
        if (!problem.equals(lastProblem)) {
            lastProblem = problem;
            LOG.log(System.Logger.Level.WARNING, () -> "the DNS servers to ask are not known anew: " + problem);
        }
    }
}

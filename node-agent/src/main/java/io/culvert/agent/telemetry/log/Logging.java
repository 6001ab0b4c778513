package io.culvert.agent.telemetry.log;

import io.culvert.agent.config.LogConfig;
import io.culvert.agent.config.LogFilter;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.logging.LogManager;
import java.util.logging.Logger;

/**
 * The process's log. Everything that logs through {@link System.Logger} or java.util.logging, libraries too, comes out
 * here.
 *
 * <p>It lasts while the process ends, shutdown hooks included, if it is installed before anything else of the process
 * logs; whoever ends the process closes it last.
 *
 * <p>Owns: the writer's thread. Errors: none; what cannot be written is counted.
 */
public final class Logging implements AutoCloseable {
    private final LogQueue queue = new LogQueue();
    private final LogLevels levels = new LogLevels();
    private final LogFilter initial;
    private final Thread writer;
    private volatile LogFilter filter;

    private Logging(LogConfig config, OutputStream out) {
        this.initial = config.filter();
        this.filter = config.filter();
        LineFormat format = switch (config.format()) {
            case PLAIN -> new PlainLines();
            case JSON -> new JsonLines();
        };
        this.writer = Thread.ofPlatform().daemon().name("log-writer").unstarted(new LogWriter(queue, format, out));
    }

    /**
     * Makes sure that logging can be taken over, and lasts until the very end of the process: to be called before anything else may
     * log.
     */
    public static void prepare() {
        System.setProperty(LastingLogs.PROPERTY, LastingLogs.class.getName());
        InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
    }

    /** Takes over all logging of the process, to standard output. */
    public static Logging install(LogConfig config) {
        return install(config, new FileOutputStream(FileDescriptor.out));
    }

    /** Takes over all logging of the process. */
    public static Logging install(LogConfig config, OutputStream out) {
        prepare();
        Logging logging = new Logging(config, out);
        LastingLogs.keep(false);
        LogManager.getLogManager().reset();
        LastingLogs.keep(true);
        Logger.getLogger("").addHandler(logging.queue);
        logging.levels.apply(config.filter());
        logging.writer.start();
        return logging;
    }

    /** The filter in force. */
    public LogFilter filter() {
        return filter;
    }

    /** Puts another filter in force. */
    public void filter(LogFilter changed) {
        levels.apply(changed);
        filter = changed;
    }

    /** The filter that was in force at the start. */
    public LogFilter initialFilter() {
        return initial;
    }

    /** How many lines were dropped so far. */
    public long droppedLines() {
        return queue.dropped();
    }

    /** Waits until what was logged before is written, at most two seconds. */
    public void flush() {
        queue.flush();
    }

    /** Writes what is waiting and gives logging back. */
    @Override
    public void close() {
        Logger.getLogger("").removeHandler(queue);
        LastingLogs.keep(false);
        queue.flush();
        writer.interrupt();
    }
}

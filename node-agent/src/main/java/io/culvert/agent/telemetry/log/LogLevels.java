package io.culvert.agent.telemetry.log;

import io.culvert.agent.config.LogFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Puts a filter into effect.
 *
 * <p>A target names a part of the agent ({@code proxy}, {@code access}), all of it ({@code culvert}, or {@code ztunnel}
 * for those who are used to that), or a library's package.
 */
final class LogLevels {
    private static final String PROJECT = "io.culvert";
    private static final String OWN = PROJECT + ".agent.";

    // The logging framework holds loggers weakly, and a level is lost with its logger.
    private List<Logger> leveled = List.of();

    synchronized void apply(LogFilter filter) {
        leveled.forEach(logger -> logger.setLevel(null));
        List<Logger> loggers = new ArrayList<>();
        loggers.addAll(set(List.of(""), filter.level()));
        filter.targets().forEach((target, level) -> loggers.addAll(set(names(target), level)));
        leveled = loggers;
    }

    private static List<String> names(String target) {
        for (String all : List.of("culvert", "ztunnel")) {
            if (target.equals(all)) {
                return List.of(PROJECT, "access", "policy", "dns");
            }
            if (target.startsWith(all + ".")) {
                return names(target.substring(all.length() + 1));
            }
        }
        return List.of(target, OWN + target);
    }

    private static List<Logger> set(List<String> names, LogFilter.Level level) {
        return names.stream().map(name -> set(name, level)).toList();
    }

    private static Logger set(String name, LogFilter.Level level) {
        Logger logger = Logger.getLogger(name);
        logger.setLevel(
                switch (level) {
                    case OFF -> Level.OFF;
                    case ERROR -> Level.SEVERE;
                    case WARN -> Level.WARNING;
                    case INFO -> Level.INFO;
                    case DEBUG -> Level.FINE;
                    case TRACE -> Level.ALL;
                });
        return logger;
    }
}

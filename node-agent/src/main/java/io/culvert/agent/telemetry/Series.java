package io.culvert.agent.telemetry;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** One series for each constant of an enum, made beforehand so that all of them are there from the first scrape on. */
final class Series<E extends Enum<E>, T> {
    private final Map<E, T> byConstant;

    private Series(Map<E, T> byConstant) {
        this.byConstant = byConstant;
    }

    static <E extends Enum<E>, T> Series<E, T> of(Class<E> constants, Function<E, T> make) {
        Map<E, T> byConstant = new EnumMap<>(constants);
        for (E constant : constants.getEnumConstants()) {
            byConstant.put(constant, make.apply(constant));
        }
        return new Series<>(byConstant);
    }

    T get(E constant) {
        return Objects.requireNonNull(byConstant.get(constant));
    }
}

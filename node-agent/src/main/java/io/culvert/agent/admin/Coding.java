package io.culvert.agent.admin;

import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;

/**
 * How the body of a reply is coded.
 *
 * <p>Source: RFC 9110 section 12.5.3: a coding that only the client knows is answered with none.
 */
enum Coding {
    IDENTITY,
    GZIP,
    DEFLATE;

    /** In the order in which they are preferred where the client likes them alike. */
    private static final List<Coding> CODED = List.of(GZIP, DEFLATE);

    /** The coding that a client likes best. */
    static Coding of(String acceptEncoding) {
        Map<String, Double> weights = weights(acceptEncoding.toLowerCase(Locale.ROOT));
        Coding best = IDENTITY;
        double bestWeight = 0;
        for (Coding coding : CODED) {
            double weight = weights.getOrDefault(coding.word(), weights.getOrDefault("*", 0.0));
            if (weight > bestWeight) {
                best = coding;
                bestWeight = weight;
            }
        }
        return weights.getOrDefault("identity", 0.0) > bestWeight ? IDENTITY : best;
    }

    private static Map<String, Double> weights(String accepted) {
        Map<String, Double> weights = new HashMap<>();
        for (String each : accepted.split(",")) {
            String[] parts = each.trim().split("\\s*;\\s*");
            weights.put(parts[0], parts.length < 2 ? 1.0 : weight(parts[1]));
        }
        return weights;
    }

    /** {@code q=} and a number of at most three decimals; whatever else is there counts as one. */
    private static double weight(String parameter) {
        return parameter.matches("q=(0(\\.[0-9]{0,3})?|1(\\.0{0,3})?)")
                ? Double.parseDouble(parameter.substring(2))
                : 1.0;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** A stream whose end is to be written too. */
    OutputStream over(OutputStream out) throws IOException {
        return switch (this) {
            case IDENTITY -> out;
            case GZIP -> new GZIPOutputStream(out);
            case DEFLATE -> new DeflaterOutputStream(out);
        };
    }
}

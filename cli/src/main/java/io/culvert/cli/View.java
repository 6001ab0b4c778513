package io.culvert.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.function.BiFunction;

/**
 * How a part of what an agent knows is shown as a table.
 *
 * @param section the part's name
 * @param titles of the columns
 * @param rows what one element of the part, and its key where it has one, becomes
 */
record View(String section, List<String> titles, BiFunction<String, JsonNode, List<List<Cell>>> rows) {
    View {
        titles = List.copyOf(titles);
    }
}

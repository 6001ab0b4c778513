package io.culvert.control.file.yaml;

import io.culvert.control.file.yaml.YamlNode.Position;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads one YAML document into nodes that know their lines.
 *
 * <p>Refused, each with its place: aliases (so no value can multiply itself), tags, keys that are not texts, duplicate
 * keys, a second document.
 *
 * <p>Bounds: {@link #DEPTH_MAX} levels, {@link #NODES_MAX} values; the caller bounds the text.
 *
 * <p>Errors: it never throws; it adds to {@link Problems}.
 *
 * <p>Source: YAML 1.2.2.
 */
public final class YamlReader {
    public static final int DEPTH_MAX = 32;
    public static final int NODES_MAX = 500_000;
    private static final int SYNTAX_MESSAGE_MAX = 160;

    private final String text;
    private final Problems problems;
    private Position reached = Position.WHOLE_FILE;
    private int nodes;

    private YamlReader(String text, Problems problems) {
        this.text = text;
        this.problems = problems;
    }

    /** A document's text; null, and reported, when it is too long or not UTF-8. */
    public static @Nullable String decode(byte[] bytes, int bytesMax, Problems problems) {
        if (bytes.length > bytesMax) {
            wholeFile(problems, "the file has more than " + bytesMax + " bytes", "split the mesh");
            return null;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            wholeFile(problems, "the file is not UTF-8 text", "save it as UTF-8");
            return null;
        }
    }

    private static void wholeFile(Problems problems, String reason, String fix) {
        problems.add(Position.WHOLE_FILE, YamlPath.ROOT, reason, fix);
    }

    /** Reads the document; null when it is empty or cannot be read to its end. */
    public static @Nullable YamlNode read(String text, Problems problems) {
        return new YamlReader(text, problems).document();
    }

    private @Nullable YamlNode document() {
        LoadSettings settings = LoadSettings.builder()
                .setUseMarks(true)
                .setCodePointLimit(Integer.MAX_VALUE)
                .build();
        try {
            return document(new Parse(settings).parseString(text).iterator());
        } catch (TooMuch e) {
            problems.add(e.position, YamlPath.ROOT, e.reason, e.fix);
        } catch (MarkedYamlEngineException e) {
            String problem =
                    Problems.shown(Optional.ofNullable(e.getProblem()).orElse("unreadable"), SYNTAX_MESSAGE_MAX);
            problems.add(
                    position(e.getProblemMark()), YamlPath.ROOT, "not YAML: " + problem, "correct the syntax here");
        } catch (ReaderException e) {
            String code = String.format(Locale.ROOT, "U+%04X", e.getCodePoint());
            problems.add(
                    positionOf(e.getPosition()),
                    YamlPath.ROOT,
                    "not YAML: the character " + code + " is not allowed",
                    "remove it");
        } catch (YamlEngineException e) {
            String problem =
                    Problems.shown(Optional.ofNullable(e.getMessage()).orElse("unreadable"), SYNTAX_MESSAGE_MAX);
            problems.add(Position.WHOLE_FILE, YamlPath.ROOT, "not YAML: " + problem, "correct the syntax");
        } catch (RuntimeException e) {
            // The parser computes with what it reads, such as "\\U99999999", and does not expect that to fail.
            problems.add(
                    reached,
                    YamlPath.ROOT,
                    "not YAML: " + Problems.shown(e.toString(), SYNTAX_MESSAGE_MAX),
                    "correct the syntax after this place");
        }
        return null;
    }

    private @Nullable YamlNode document(Iterator<Event> events) {
        YamlNode root = null;
        while (events.hasNext()) {
            Event event = events.next();
            if (event instanceof DocumentStartEvent && root != null) {
                problems.add(
                        position(event.getStartMark()),
                        YamlPath.ROOT,
                        "a second document begins here",
                        "keep everything in one document, without '---' in between");
                return root;
            }
            if (event instanceof NodeEvent node) {
                root = node(node, events, YamlPath.ROOT, 0);
            }
        }
        return root;
    }

    private YamlNode node(NodeEvent event, Iterator<Event> events, YamlPath path, int depth) {
        Position position = position(event.getStartMark());
        reached = position;
        if (++nodes > NODES_MAX) {
            throw new TooMuch(position, "the file has more than " + NODES_MAX + " values", "split the mesh");
        }
        if (depth > DEPTH_MAX) {
            throw new TooMuch(position, "nested deeper than " + DEPTH_MAX + " levels", "flatten it");
        }
        return switch (event) {
            case ScalarEvent scalar -> scalar(scalar, position, path);
            case CollectionStartEvent start -> collection(start, events, position, path, depth);
            case AliasEvent alias ->
                refused(
                        position,
                        path,
                        "*" + Problems.shown(alias.getAlias().getValue()) + " is an alias",
                        "write the value out; aliases are not supported");
            default -> refused(position, path, "unexpected content", "remove it");
        };
    }

    private YamlNode scalar(ScalarEvent event, Position position, YamlPath path) {
        if (event.getTag().isPresent()) {
            return refusedTag(event.getTag().get(), position, path);
        }
        return new YamlNode.Scalar(position, event.getValue(), event.isPlain());
    }

    private YamlNode collection(
            CollectionStartEvent start, Iterator<Event> events, Position position, YamlPath path, int depth) {
        YamlNode content = start instanceof MappingStartEvent
                ? mapping(events, position, path, depth)
                : sequence(events, position, path, depth);
        return start.getTag().isPresent() ? refusedTag(start.getTag().get(), position, path) : content;
    }

    private YamlNode sequence(Iterator<Event> events, Position position, YamlPath path, int depth) {
        List<YamlNode> entries = new ArrayList<>();
        for (NodeEvent next = next(events); next != null; next = next(events)) {
            entries.add(node(next, events, path.index(entries.size()), depth + 1));
        }
        return new YamlNode.Sequence(position, entries);
    }

    private YamlNode mapping(Iterator<Event> events, Position position, YamlPath path, int depth) {
        List<YamlNode.Entry> entries = new ArrayList<>();
        Set<String> keys = new HashSet<>();
        for (NodeEvent next = next(events); next != null; next = next(events)) {
            YamlNode key = node(next, events, path, depth + 1);
            String name = key instanceof YamlNode.Scalar scalar ? scalar.text() : "";
            NodeEvent value = next(events);
            if (value == null) {
                break;
            }
            YamlNode content = node(value, events, path.key(name), depth + 1);
            if (!(key instanceof YamlNode.Scalar)) {
                problems.add(key.position(), path, "a key that is no text", "write 'key: value'");
            } else if (keys.add(name)) {
                entries.add(new YamlNode.Entry(key.position(), name, content));
            } else {
                problems.add(key.position(), path.key(name), "the key is there twice", "remove one of them");
            }
        }
        return new YamlNode.Mapping(position, entries);
    }

    /** The next value of a collection, null at its end. */
    private static @Nullable NodeEvent next(Iterator<Event> events) {
        while (events.hasNext()) {
            Event event = events.next();
            if (event instanceof NodeEvent node) {
                return node;
            }
            if (event instanceof CollectionEndEvent) {
                return null;
            }
        }
        return null;
    }

    private YamlNode refusedTag(String tag, Position position, YamlPath path) {
        return refused(position, path, "the tag " + Problems.shown(tag) + " is not supported", "remove the tag");
    }

    private YamlNode refused(Position position, YamlPath path, String reason, String fix) {
        problems.add(position, path, reason, fix);
        return new YamlNode.Refused(position);
    }

    private static Position position(Optional<Mark> mark) {
        return mark.map(m -> new Position(m.getLine() + 1, m.getColumn() + 1)).orElse(Position.WHOLE_FILE);
    }

    private Position positionOf(int codePoints) {
        int line = 1;
        int column = 1;
        int left = codePoints;
        for (int at = 0; at < text.length() && left > 0; left--) {
            int c = text.codePointAt(at);
            line += c == '\n' ? 1 : 0;
            column = c == '\n' ? 1 : column + 1;
            at += Character.charCount(c);
        }
        return new Position(line, column);
    }

    /** Ends the reading where going on would cost too much. */
    private static final class TooMuch extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient Position position;
        private final String reason;
        private final String fix;

        TooMuch(Position position, String reason, String fix) {
            super(reason, null, false, false);
            this.position = position;
            this.reason = reason;
            this.fix = fix;
        }
    }
}

/**
 * Strict reading of YAML files by hand-written forms: every value knows its line, every mistake is collected.
 *
 * <p>Must not know what the files mean. Start at {@link io.culvert.control.file.yaml.YamlReader}, then {@link
 * io.culvert.control.file.yaml.Fields}.
 */
@NullMarked
package io.culvert.control.file.yaml;

import org.jspecify.annotations.NullMarked;

/**
 * Workloads, services and policies in the form in which {@code /config_dump} shows them, given to one agent as text.
 *
 * <p>Must not know what the agent does with them. Start at {@link io.culvert.control.local.LocalConfigParser}.
 */
@NullMarked
package io.culvert.control.local;

import org.jspecify.annotations.NullMarked;

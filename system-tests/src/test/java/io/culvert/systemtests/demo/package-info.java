/**
 * What the demonstration leaves behind and what it clears away. It must not know how it shows the mesh: that checks itself.
 *
 * <p>Start at {@link io.culvert.systemtests.demo.DemoFoldersNetnsIT}.
 */
@NullMarked
package io.culvert.systemtests.demo;

import org.jspecify.annotations.NullMarked;

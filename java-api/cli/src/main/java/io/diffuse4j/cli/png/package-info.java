/** Images to PNG files. */
package io.diffuse4j.cli.png;

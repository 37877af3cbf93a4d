@echo off
node "%~dp0..\apps\cli\dist\rstream.js" %*
